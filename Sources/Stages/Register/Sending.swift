import Records
import Streaming
import Vocabulary

/// Sends typed messages over their channels.
extension Outbox {
  mutating func send(_ channel: Channel, _ message: RegisterMessage) {
    send(channel, key: message.partitionKey, payload: message.encoded())
  }

  mutating func send(_ person: CitizenID, _ message: PersonMessage) {
    send(person, payload: message.encoded(for: person))
  }

  /// Sends an encoded `PersonMessage`.
  mutating func send(_ person: CitizenID, payload: [UInt8]) {
    PersonMessage.withPartitionKey(person) { send(.persons, key: $0, payload: payload) }
  }

  mutating func send(_ household: HouseholdKey, _ message: HouseholdMessage) {
    send(
      .households, key: HouseholdMessage.partitionKey(household),
      payload: message.encoded(for: household))
  }
}
