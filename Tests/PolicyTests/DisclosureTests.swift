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
}
