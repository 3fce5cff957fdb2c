import Dispatch
import Foundation
import Histories
import Policy
import Stages

/// The property test of the order of arrival at full size, in a release build:
/// `order-proof [COUNT [FIRST]]` checks COUNT histories from seed FIRST on, with `--seconds N` as many
/// of them as that time allows; `order-proof --story SEED` tells one. Exit code 1 where one differs,
/// or where the histories leave a rule out.
@main
struct OrderProof {
  static func main() async throws {
    let arguments = CommandLine.arguments.dropFirst()
    let directory = URL(
      filePath: ProcessInfo.processInfo.environment["OUTREACH_POLICY"] ?? "config/policy")
    let pack = try PolicyPack.load(directory: directory, digest: policyDigest).get()
    if arguments.first == "--story", let seed = arguments.last.flatMap(UInt64.init) {
      let world = try World(pack: pack)
      print(try OrderCheck(world, bench: try Bench(world)).story(seed: seed))
      return
    }
    let option = arguments.firstIndex(of: "--seconds")
    let seconds = option.flatMap { Int(arguments[$0...].dropFirst().first ?? "") }
    let numbers = arguments.prefix { $0 != "--seconds" }.compactMap(UInt64.init)
    let count = Int(numbers.first ?? 100_000)
    let survey = try await OrderSurvey.perform(
      pack: pack, first: numbers.dropFirst().first ?? 1, count: count,
      threads: ProcessInfo.processInfo.activeProcessorCount,
      limit: seconds.map { .seconds($0) }
    ) { done in
      if done % 10_000 == 0 { print("\(done) of \(count)") }
    }
    for (seed, differences) in survey.differing.prefix(20) {
      print("seed \(seed):\n  " + differences.joined(separator: "\n  "))
    }
    let uncovered = survey.uncovered(of: pack)
    for (rule, times) in survey.rules.sorted(by: { $0.key < $1.key }) {
      print("\(rule) \(times)", terminator: "  ")
    }
    print()
    for (mark, times) in survey.marks.sorted(by: { $0.key < $1.key }) { print("\(mark): \(times)") }
    if !uncovered.isEmpty { print("never met: \(uncovered.joined(separator: ", "))") }
    if survey.histories < count { print("stopped after \(seconds ?? 0) s, of \(count):") }
    print(survey.summary)
    exit(survey.differing.isEmpty && uncovered.isEmpty ? 0 : 1)
  }
}
