/// One full and one minimal `data` of every event type of the contract.
struct Sample {
  var type: String
  var topic: String
  var data: String

  static let all: [Sample] = window + family + justice + work + health + household + reports

  static let window = [
    Sample(
      type: "window.transaction", topic: "window.transactions",
      data: """
        {"transactionId":"t-1","centre":"310101002","line":"mca","item":"临时救助申请",
        "stage":"submitted","applicant":{"id":"\(Someone.adult)","name":"张三","phone":"138"},
        "itemCode":"MCA-03","reason":"失业","agent":{"id":"\(Someone.spouse)"},
        "residence":{"subdistrict":"310101002","committee":"310101002001","address":"某路1号"},
        "amounts":{"selfPaid":"12345.60"},"inquiry":{"asked":true,"wantsHelp":true,
        "difficulties":["income","illness"],"monthlyIncomePerCapita":1200.5,"insured":false,
        "monthsWithoutIncome":3,"note":"独居"},"unknown":[{"a":[1e400]}]}
        """),
    Sample(
      type: "window.transaction", topic: "window.transactions",
      data: """
        {"transactionId":"t-2","centre":"310101002","line":"hsa","item":"零星报销",
        "stage":"accepted","applicant":{"id":"\(Someone.adult)"}}
        """),
  ]

  static let family = [
    notice("death", "\"person\":\"\(Someone.elder)\""),
    notice("marriage", "\"persons\":[\"\(Someone.adult)\",\"\(Someone.spouse)\"]"),
    notice(
      "divorce",
      """
      "persons":["\(Someone.adult)","\(Someone.spouse)"],
      "custody":[{"child":"\(Someone.child)","guardian":"\(Someone.spouse)"}]
      """),
    notice("birth", "\"child\":\"\(Someone.child)\",\"parents\":[\"\(Someone.adult)\"]"),
    notice("guardianship", "\"child\":\"\(Someone.child)\",\"guardians\":[\"\(Someone.elder)\"]"),
    notice(
      "guardian-status",
      """
      "person":"\(Someone.adult)","state":"restricted","child":"\(Someone.child)",
      "expectedEnd":"2030-01-01"
      """),
    Sample(
      type: "notice.retracted", topic: "department.notices",
      data: "{\"retracts\":\"e-0\",\"reason\":\"登记有误\"}"),
  ]

  static let justice = [
    notice(
      "custody",
      """
      "person":"\(Someone.adult)","state":"imprisoned","termMonths":36,
      "expectedRelease":"2027-03-01"
      """),
    notice(
      "drug-treatment",
      "\"person\":\"\(Someone.adult)\",\"state\":\"compulsory\",\"expectedEnd\":\"2026-03-01\""),
    notice("finding", "\"person\":\"\(Someone.adult)\",\"kind\":\"drug\",\"reference\":\"r-1\""),
  ]

  static let work = [
    notice(
      "employment",
      """
      "person":"\(Someone.adult)","state":"lost","benefitUntil":"2025-03-01","insured":true
      """),
    notice(
      "job-offer",
      "\"person\":\"\(Someone.adult)\",\"state\":\"refused\",\"suitable\":true,\"goodReason\":false"
    ),
    Sample(
      type: "notice.income", topic: "department.notices",
      data: "{\"person\":\"\(Someone.adult)\",\"month\":\"2024-02\",\"amount\":3500}"),
    notice(
      "payment", "\"person\":\"\(Someone.adult)\",\"programme\":\"dibao\",\"amount\":\"1510.00\""),
  ]

  static let health = [
    notice(
      "disability",
      """
      "person":"\(Someone.adult)","state":"issued","category":"4","grade":2,"until":"2034-01-01"
      """),
    notice("illness", "\"person\":\"\(Someone.adult)\",\"state\":\"serious\""),
    notice("medical-expense", "\"person\":\"\(Someone.adult)\",\"selfPaid\":\"200.05\""),
    notice(
      "emergency", "\"kind\":\"fire\",\"persons\":[\"\(Someone.adult)\",\"\(Someone.elder)\"]"),
    notice(
      "residence",
      """
      "person":"\(Someone.adult)","state":"moved","subdistrict":"310104003",
      "committee":"310104003001","address":"某路2号"
      """),
  ]

  static let household = [
    Sample(
      type: "household.composition", topic: "household.registry",
      data: """
        {"household":"hh-1","subdistrict":"310101002","asOf":"2024-03-01",
        "committee":"310101002001","address":"某路1号","hukouSubdistrict":"310101013","members":[
        {"id":"\(Someone.adult)","relation":"02","name":"张三","hukou":"310101","selfCare":"full"},
        {"id":"\(Someone.child)","relation":"20","guardians":["\(Someone.adult)"]}]}
        """),
    Sample(
      type: "assistance.decision", topic: "assistance.decisions",
      data: """
        {"household":"hh-1","applicant":"\(Someone.adult)","programme":"dibao","state":"granted",
        "date":"2024-03-01","until":"2025-02-28","monthlyAmount":"3020.00","tiedTo":"disability"}
        """),
  ]

  static let reports =
    ["visit", "tip", "hotline"].map { name in
      Sample(
        type: "report." + name, topic: "field.reports",
        data: """
          {"about":{"id":"\(Someone.elder)"},"difficulties":["elder","care"],"date":"2024-03-04",
          "urgent":true,"text":"需要帮助","reporter":{"role":"neighbour"},"topic":"aid",
          "channel":"hotline","selfCare":"partial"}
          """)
    }
    + ["accepted", "started", "visited", "completed", "declined", "reassigned"].map { name in
      Sample(
        type: "referral." + name, topic: "referral.feedback",
        data: """
          {"referral":"R-ABC","by":"advisor-1","date":"2024-03-05","outcome":"ok","consent":false,
          "stableIncome":true,"reason":"r","to":"advisor-2"}
          """)
    }

  private static func notice(_ name: String, _ fields: String) -> Sample {
    Sample(
      type: "notice." + name, topic: "department.notices",
      data: "{" + fields + ",\"date\":\"2024-03-04\"}")
  }
}
