import Records
import Streaming
import Vocabulary

/// Sends typed messages over their channels.
extension Outbox {
  mutating func send(_ channel: Channel, _ message: RegisterMessage) {
    send(channel, key: message.partitionKey, payload: message.encoded())
  }

  mutating func send(_ person: CitizenID, _ message: PersonMessage) {
    send(
      .persons, key: PersonMessage.partitionKey(person), payload: message.encoded(for: person))
  }

  mutating func send(_ household: HouseholdKey, _ message: HouseholdMessage) {
    send(
      .households, key: HouseholdMessage.partitionKey(household),
      payload: message.encoded(for: household))
  }
}
