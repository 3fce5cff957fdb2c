import Testing

@testable import Policy

/// A fact above a reader's clearance cannot reach them on any way.
@Suite struct DisclosureTests {
  private let rule = "rules/X01.yaml"

  @Test func notThroughACondition() {
    let pack = SmallPack().replacing(
      "member.age >= params.adult,", by: "member.treatment == 'compulsory',", in: rule)
    #expect(
      pack.problems == """
        rules/X01.yaml:16:5: error[disclosure]: that this rule holds would tell 顾问 of 'drug', \
        above their clearance
         16 |   - {to: advisor, urgency: P1, due: 3wd, category: service, task: "见${member.name}\
        ", evidence: [member.age]}
            |     ^
           = hint: add 'disguise: need' to send only the neutral form

        """)
  }

  @Test func notThroughALetOrADerivedFact() {
    #expect(
      SmallPack().replacing("m.at_home)", by: "m.treatment != 'none')", in: rule).codes
        == ["rules/X01.yaml:16 disclosure"])
    #expect(
      SmallPack().replacing("m.at_home)", by: "m.treated)", in: rule).codes
        == ["rules/X01.yaml:16 disclosure"])
  }

  @Test func notThroughATextOrEvidence() {
    #expect(
      SmallPack().replacing("${member.name}", by: "${member.treatment}", in: rule).codes
        == ["rules/X01.yaml:16 disclosure"])
    #expect(
      SmallPack().replacing("[member.age]", by: "[member.treatment]", in: rule).codes
        == ["rules/X01.yaml:16 disclosure"])
  }

  @Test func notThroughTheNameOfARuleWithATellingTrigger() {
    #expect(
      SmallPack().replacing("[notice.death]", by: "[notice.drug-treatment]", in: rule).codes
        == ["rules/X01.yaml:16 disclosure"])
    // With two kinds of trigger the name does not tell which it was ...
    let both = SmallPack().replacing(
      "[notice.death]", by: "[notice.death, notice.drug-treatment]", in: rule)
    #expect(both.codes == [])
    // ... but the event's type would.
    #expect(
      both.replacing("[member.age]", by: "[event.type]", in: rule).codes
        == ["rules/X01.yaml:16 disclosure"])
  }

  @Test func onlyTheRestrictedChannelOwnsKinds() throws {
    let owned = SmallPack().replacing(
      "alerts.restricted: {clearance: all}", by: "alerts.restricted: {clearance: all, owns: [drug]}",
      in: "audiences.yaml")
    #expect(owned.codes == [])
    #expect(try owned.load().get().audiences.channel("alerts.restricted")?.owns.isEmpty == false)
    #expect(
      SmallPack().replacing(
        "alerts.district: {clearance: none}", by: "alerts.district: {clearance: none, owns: [drug]}",
        in: "audiences.yaml"
      ).codes.contains { $0.hasSuffix("unknown-key") })
  }

  @Test func theNeutralFormCompiles() throws {
    let disguised = SmallPack()
      .replacing("[notice.death]", by: "[notice.drug-treatment]", in: rule)
      .replacing("member.age >= params.adult,", by: "member.treatment == 'compulsory',", in: rule)
      .replacing("due: 3wd,", by: "due: 3wd, disguise: need,", in: rule)
    #expect(disguised.codes == [])
    let loaded = try disguised.load().get()
    #expect(loaded.rule("X01")?.isConfidential == true)
    // The neutral form must not name the fact either.
    #expect(
      disguised.replacing("${member.name}", by: "${member.treatment}", in: rule).codes
        == ["rules/X01.yaml:16 disclosure"])
  }

  @Test func resourcesAreNeverReachedByConfidentialRules() {
    let resource = """
      refer:
        - {to: resource, urgency: P1, due: 3wd, category: service, needs: [care]}
      """
    #expect(SmallPack().replacing("refer:", by: resource, in: rule).codes == [])
    #expect(
      SmallPack().replacing("refer:", by: resource, in: rule)
        .replacing("m.at_home)", by: "m.treated)", in: rule).codes
        == ["rules/X01.yaml:17 disclosure", "rules/X01.yaml:16 disclosure"].sorted())
    let disguised = SmallPack().replacing("refer:", by: resource, in: rule)
      .replacing("service, task", by: "service, disguise: need, task", in: rule)
    #expect(disguised.codes == ["rules/X01.yaml:16 confidential-rule"])
    #expect(
      SmallPack().replacing("refer:", by: resource, in: rule)
        .replacing("needs: [care]", by: "needs: [care], task: x", in: rule).codes
        == ["rules/X01.yaml:16 resource-disclosure"])
  }

  @Test func alertsFollowTheirTopic() {
    let open = "alert: {severity: info, audience: [subdistrict], message: 关注}\nrefer:"
    #expect(SmallPack().replacing("refer:", by: open, in: rule).codes == [])
    let telling = SmallPack().replacing(
      "refer:",
      by: "alert: {severity: info, audience: [subdistrict], message: \"${event.state}\"}\nrefer:",
      in: rule
    ).replacing("[notice.death]", by: "[notice.death, notice.drug-treatment]", in: rule)
    #expect(telling.codes == ["rules/X01.yaml:15 disclosure"])
    #expect(
      telling.replacing("severity: info,", by: "severity: info, restricted: true,", in: rule)
        .codes == [])
  }

  // MARK: Ways around it

  private var both: SmallPack {
    SmallPack().replacing(
      "[notice.death]", by: "[notice.death, notice.drug-treatment]", in: rule)
  }

  /// With several triggers, a condition that only one of them can meet tells which it was.
  @Test(arguments: [
    "event.type == 'notice.drug-treatment'", "event.state == 'compulsory'",
    "event.state in ['compulsory', 'ended']", "event.state != 'none' && has(event.state)",
    "!(event.type == 'notice.death')", "event.type.endsWith('treatment')",
    "event.type == 'notice.death' ? false : member.age > 3",
  ])
  func notThroughAConditionOnOneOfTheTriggers(condition: String) {
    let pack = both.replacing("member.age >= params.adult,", by: "\"\(condition)\",", in: rule)
    #expect(pack.codes == ["rules/X01.yaml:16 disclosure"])
    // As an exception that leaves only the other trigger, it tells nothing.
    #expect(
      both.replacing(
        "refer:", by: "unless: [{id: x, that: \"\(condition)\", says: x}]\nrefer:", in: rule
      ).codes.allSatisfy { !$0.hasSuffix("disclosure") })
  }

  @Test func aConditionThatSeveralTriggersMeetTellsNothing() {
    let condition = "\"event.type == 'notice.death' || event.state == 'compulsory'\","
    #expect(both.replacing("member.age >= params.adult,", by: condition, in: rule).codes == [])
  }

  @Test(arguments: [
    "${member.treatment == 'compulsory' ? '甲' : '乙'}", "${[member.treatment].size()}",
    "${has(member.treatment) ? '' : 'x'}", "${known(member.treatment)}",
    "${household.members.filter(m, m.treatment == 'none').size()}",
    "${household.adults.map(a, a.treatment).join()}", "${cel.bind(x, member.treatment, x)}",
  ])
  func notThroughATextThatChoosesByIt(text: String) {
    #expect(
      SmallPack().replacing("${member.name}", by: text.replacing("\"", with: "'"), in: rule).codes
        == ["rules/X01.yaml:16 disclosure"])
  }

  @Test(arguments: [
    "from: \"member.treatment == 'none' ? event.date : event.date.addDays(1)\"",
    "area: \"member.treatment == 'none' ? '310101' : '310115'\"",
    "area: \"event.own.exists(p, p.treated) ? '310101' : '310115'\"",
  ])
  func notThroughADayOrAnArea(key: String) {
    let plain = SmallPack().replacing("due: 3wd,", by: "due: 3wd, \(key),", in: rule)
    #expect(plain.codes == ["rules/X01.yaml:16 disclosure"])
    let disguised = plain.replacing("due: 3wd,", by: "due: 3wd, disguise: need,", in: rule)
    #expect(disguised.codes == ["rules/X01.yaml:16 disclosure"])
  }

  @Test func notThroughTheAreaOfAnAlert() {
    let alert = """
      alert: {severity: info, audience: [subdistrict], message: x,
        area: "member.treatment == 'none' ? '310101' : '310115'"}
      refer:
      """
    #expect(
      SmallPack().replacing("refer:", by: alert, in: rule).codes == ["rules/X01.yaml:15 disclosure"])
  }

  @Test func notThroughAFieldThatOnlyOneTriggerHas() {
    #expect(
      both.replacing("${member.name}", by: "${has(event.state)}", in: rule).codes
        == ["rules/X01.yaml:16 disclosure"])
    #expect(both.replacing("${member.name}", by: "${event.date}", in: rule).codes == [])
  }

  @Test(arguments: ["subject", "review_when", "opens_when", "unless"])
  func notThroughTheOtherConditions(key: String) {
    var pack = SmallPack()
    switch key {
    case "subject":
      pack = pack.replacing(
        "refer:", by: "subject: event.own.filter(p, p.treated)\nrefer:", in: rule)
    case "unless":
      pack = pack.replacing(
        "refer:", by: "unless: [{id: x, that: member.treated, says: x}]\nrefer:", in: rule)
    case "opens_when":
      pack = pack.replacing("events: [notice.death]\n", by: "", in: rule)
        .replacing("refer:", by: "opens_when: member.treated\nrefer:", in: rule)
    default: pack = pack.replacing("refer:", by: "\(key): member.treated\nrefer:", in: rule)
    }
    #expect(pack.codes.count == 1)
    #expect(pack.codes.first?.hasSuffix(" disclosure") == true, "\(pack.codes)")
  }

  @Test func notThroughAnAssessmentScore() {
    let model = SmallPack.treatmentScore
    let score = "  members: {type: persons, builtin: true, max: 20, title: 成员}\n"
    let scored = SmallPack().adding("assessment/city.yaml", model).replacing(
      score, by: score + "  score: {type: int, builtin: true, time: true, title: 评分}\n",
      in: "facts.yaml")
    #expect(scored.codes == ["assessment/city.yaml:9 disclosure"])
    let labelled = scored.replacing("title: 评分", by: "labels: [drug], title: 评分", in: "facts.yaml")
    #expect(labelled.codes == [])
    #expect(
      labelled.replacing("${member.name}", by: "${household.score}", in: rule).codes
        == ["rules/X01.yaml:16 disclosure"])
  }

  @Test func notThroughTheEndOfAnotherRulesReferral() {
    let second = (SmallPack().files[rule] ?? "").replacing("X01", with: "X02")
      .replacing("m.at_home)", with: "m.treated)")
      .replacing("due: 3wd,", with: "due: 3wd, disguise: need,")
    let pack = SmallPack().adding("rules/X02.yaml", second)
    #expect(pack.codes == [])
    #expect(
      pack.replacing("dedup:", by: "closes: [X01]\ndedup:", in: "rules/X02.yaml").codes
        == ["rules/X02.yaml:17 disclosure"])
  }

  @Test func neutralFormsReadAlike() {
    let disguised = SmallPack().replacing("due: 3wd,", by: "due: 3wd, disguise: need,", in: rule)
    let second = (disguised.files[rule] ?? "").replacing("X01", with: "X02")
    let pack = disguised.adding("rules/X02.yaml", second)
    #expect(pack.codes == [])
    #expect(
      pack.replacing("见${member.name}", by: "请见${member.name}", in: "rules/X02.yaml").codes
        == ["rules/X02.yaml:16 telling-neutral-form"])
  }
}
