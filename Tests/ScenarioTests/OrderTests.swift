import Foundation
import Histories
import Records
import Stages
import Streaming
import Testing
import Vocabulary

/// Whatever order the same events arrive in, with duplicates and corrections among them, the same
/// state is reached and the same referrals are open in the end (semantics 26). `OrderCheck` says
/// which freedom an order has. Here a few hundred histories; `order-proof` does very many.
@Suite struct OrderTests {
  private static func number(_ name: String) -> Int? {
    ProcessInfo.processInfo.environment[name].flatMap(Int.init)
  }

  @Test func theOrderOfArrivalDoesNotMatter() async throws {
    let survey = try await OrderSurvey.perform(
      pack: try Scenario.pack.get(), first: UInt64(OrderTests.number("OUTREACH_ORDER_FIRST") ?? 1),
      count: OrderTests.number("OUTREACH_ORDER_SEEDS") ?? 100,
      threads: ProcessInfo.processInfo.activeProcessorCount)
    for (seed, differences) in survey.differing {
      Issue.record("seed \(seed): \(differences.joined(separator: "\n"))")
    }
    // Histories in which nothing opens would prove nothing.
    #expect(survey.rules.count > 30, "\(survey.rules)")
    #expect((survey.marks["withdrawn"] ?? 0) * 5 > survey.histories, "\(survey.marks)")
    print(survey.summary)
  }

  /// Persons, as somebody might write it who believes that notices come in order: an event older
  /// than the last one of the person is not worth keeping.
  private final class LatestOnly: Stage {
    let channel = Channel.persons
    private let persons = PersonsStage()

    func process(
      _ payload: UnsafeRawBufferPointer, now: Instant, state: StateOverlay, outbox: inout Outbox
    ) throws(DecodingFailure) {
      let (person, message) = try PersonMessage.decode(payload)
      if case .event(let entry, _) = message {
        let key = [UInt8(ascii: "~")] + PersonMessage.partitionKey(person)
        let effective = entry.effective.microseconds
        let isOld = state.withValue(key) { last in
          last.map { $0.loadUnaligned(as: Int64.self) > effective } ?? false
        }
        if isOld { return }
        state.put(key, withUnsafeBytes(of: effective) { Array($0) })
      }
      try persons.process(payload, now: now, state: state, outbox: &outbox)
    }
  }

  /// The check finds a stage that depends on the order.
  @Test func aStageThatDependsOnTheOrderIsFound() throws {
    let world = try World(pack: try Scenario.pack.get())
    let check = OrderCheck(world, bench: try Bench(world, persons: LatestOnly()))
    let found = try (1...20).filter { try !check.check(seed: UInt64($0)).differences.isEmpty }
    #expect(found.count > 5, "\(found)")
  }
}

/// Tells one seed's history in both orders, for whoever has to find out why they differ.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["OUTREACH_ORDER_SEED"] != nil,
  "set OUTREACH_ORDER_SEED to a seed to see its story"))
struct OrderStory {
  @Test func story() throws {
    let text = try #require(ProcessInfo.processInfo.environment["OUTREACH_ORDER_SEED"])
    let world = try World(pack: try Scenario.pack.get())
    print(try OrderCheck(world, bench: try Bench(world)).story(seed: try #require(UInt64(text))))
  }
}
