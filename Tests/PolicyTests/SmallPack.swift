import Testing

@testable import Policy

/// A pack of a few files that loads clean; tests replace parts of it.
struct SmallPack {
  /// An assessment model whose score rests on a labelled fact.
  static let treatmentScore = """
    model: city
    version: 1
    dimensions: [{id: d, title: 维度, cap: 100}]
    indicators:
      - id: i
        title: 指标
        dimension: d
        weight: 10
        bands: [{when: "household.members.exists(m, m.treated)", points: 100, says: 有}]
    levels: [{id: high, title: 高, from: 60}]

    """

  var files: [String: String] = [
    "pack.yaml": "name: small\nversion: \"1\"\nauthors: [测试]\n",
    "facts.yaml": """
      labels:
        identity: {title: 身份}
        drug: {title: 戒毒}
      events: {notice.drug-treatment: [drug]}
      event:
        type: {type: text, builtin: true, title: 类型}
        date: {type: date, builtin: true, title: 日期}
        own: {type: persons, builtin: true, title: 本户当事人}
        state: {type: text, default: none, title: 状态}
      person:
        name: {type: text, default: unknown, labels: [identity], title: 姓名}
        age: {type: int, builtin: true, time: true, title: 年龄}
        dead: {type: bool, default: false, title: 已死亡}
        treatment: {type: text, default: "none", labels: [drug], title: 戒毒}
        payments: {type: events, events: [notice.death], keep: 13mo, title: 记录}
        away:
          type: bool
          derive: member.treatment == 'compulsory' || member.dead
          releases: [drug]
          title: 不在
        at_home: {type: bool, derive: "!member.dead && !member.away", title: 在家}
        treated: {type: bool, derive: "member.treatment != 'none'", title: 在戒毒}
      household:
        members: {type: persons, builtin: true, max: 20, title: 成员}
        subdistrict: {type: text, builtin: true, title: 街镇}
        adults:
          {type: persons, title: 成年人, derive: "household.members.filter(m, m.age >= params.adult)"}

      """,
    "services.yaml": """
      services:
        - {code: a-1, line: mca, item: 低保申请, kind: A, weight: 90, signal: 低, group: "1", source: P}

      """,
    "audiences.yaml": """
      audiences:
        advisor: {title: 顾问, clearance: [identity]}
        subdistrict: {title: 街镇, clearance: [identity], named_officers: [drug]}
        district: {title: 区, clearance: [identity]}
        resource: {title: 社会力量, clearance: none}
        child-desk: {title: 儿童, clearance: all}
        police: {title: 公安, clearance: all}
        operator: {title: 运行, clearance: none}
      channels:
        referrals.advisor: {clearance: [identity]}
        referrals.resource: {clearance: none}
        alerts.district: {clearance: none}
        alerts.restricted: {clearance: all}
        decisions: {clearance: all}

      """,
    "calendar/2024.yaml": """
      year: 2024
      cite: 通知
      holidays: [{name: 国庆节, from: 2024-10-01, to: 2024-10-07}]
      workdays: [2024-09-29, 2024-10-12]

      """,
    "params/main.yaml": """
      params:
        adult: {title: 成年, type: int, values: [{from: 2000-01-01, value: 18, cite: 民法典}]}
        line:
          title: 标准
          type: money
          combine: max
          bounds: {min: 100, max: 9000}
          values:
            - {from: 2023-07-01, value: 1510, cite: 文件一}
            - {from: 2024-07-01, value: 1595.50, cite: 文件二}
        edge: {title: 边缘线, type: money, derive: 1.5 * line}
        third: {title: 三分之一, type: money, derive: (line + 100) / 3, round: 100}

      """,
    "sources/all.yaml": """
      events:
        notice.death:
          topic: department.notices
          data: {person: citizen, date: date}
          effective: date
          about: [{person: person, facts: {dead: {value: true}}}]
        notice.drug-treatment:
          topic: department.notices
          data: {person: citizen, date: date, state: {type: word, words: [compulsory, ended]}}
          effective: date
          facts: {state: state}
          about: [{person: person, facts: {treatment: state}}]

      """,
    "rules/X01.yaml": SmallPack.rule,
  ]

  static let rule = """
    rule: X01
    version: 2
    title: 测试
    status: active
    owner: 处室
    effective: {from: 2023-01-01}
    serves: {groups: ["1.1"], clauses: ["3.4"]}
    basis: [{cite: 条例, clause: "1"}]
    scope: member
    events: [notice.death]
    let: {others: "household.members.filter(m, m.at_home)"}
    when:
      - {id: adult, that: member.age >= params.adult, says: 成年}
      - {id: alone, that: size(others) == 0, says: 无人}
    refer:
      - {to: advisor, urgency: P1, due: 3wd, category: service, task: "见${member.name}", \
    evidence: [member.age]}
    dedup: {window: 30d}

    """

  /// Replaces one text in a file; the text must be there.
  func replacing(_ text: String, by other: String, in file: String) -> SmallPack {
    var copy = self
    let old = files[file] ?? ""
    #expect(old.contains(text), "\(file) does not contain \(text)")
    copy.files[file] = old.replacing(text, with: other)
    return copy
  }

  func adding(_ file: String, _ text: String) -> SmallPack {
    var copy = self
    copy.files[file] = text
    return copy
  }

  func load() -> Result<PolicyPack, PolicyProblems> {
    PolicyPack.load(PackFiles(files.map { ($0.key, $0.value) })) { "\($0.count)" }
  }

  /// All problems as people see them; empty where the pack loads.
  var problems: String {
    switch load() {
    case .success: ""
    case .failure(let problems): problems.description
    }
  }

  /// The codes of all problems with file and line.
  var codes: [String] {
    switch load() {
    case .success: []
    case .failure(let problems):
      problems.diagnostics.map { "\($0.file):\($0.line) \($0.code)" }
    }
  }
}
