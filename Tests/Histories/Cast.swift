import Vocabulary

/// The people of a history: three households in two districts, and one who is in none.
struct Cast {
  struct Person {
    let id: String
    let household: String
    /// GB/T 4761.
    let relation: String
    /// Six-digit code of registration.
    let hukou: String
  }

  static let households = ["HH-1", "HH-2", "HH-3"]
  static let subdistricts = ["310101002", "310101020", "310104003"]

  let father: String
  let mother: String
  let child: String
  let teen: String
  let grandmother: String
  let uncle: String
  let aunt: String
  let stepchild: String
  let elder: String
  let helper: String
  let newcomer: String
  let people: [Person]
  private let places: [String: String]

  /// Ages near those that rules ask for; birthdays may fall into the history.
  init(start: CivilDate, span: Int, _ random: inout SplitMix) {
    var number = 0
    func citizen(_ birth: CivilDate) -> String {
      number += 1
      return Cast.citizen(birth, number)
    }
    func aged(_ years: Int) -> CivilDate {
      start.adding(months: -12 * years).adding(days: -random.below(300) - 20)
    }
    func turning(_ ages: [Int]) -> CivilDate {
      start.adding(days: random.below(span + 60) - 15).adding(months: -12 * random.pick(ages))
    }
    father = citizen(aged(41))
    mother = citizen(aged(39))
    child = citizen(aged(random.pick([1, 6, 11, 14])))
    teen = citizen(turning([16, 18]))
    grandmother = citizen(random.oneIn(2) ? turning([60, 65, 70, 80]) : aged(72))
    uncle = citizen(aged(45))
    aunt = citizen(aged(37))
    stepchild = citizen(aged(9))
    elder = citizen(random.oneIn(3) ? turning([65, 70, 80, 90]) : aged(77))
    helper = citizen(aged(50))
    newcomer = citizen(aged(28))
    let far = "340100"
    people = [
      Person(id: father, household: "HH-1", relation: "02", hukou: "310101"),
      Person(id: mother, household: "HH-1", relation: "10", hukou: random.pick(["310101", far])),
      Person(id: child, household: "HH-1", relation: "20", hukou: "310101"),
      Person(id: teen, household: "HH-1", relation: random.pick(["20", "30"]), hukou: "310101"),
      Person(id: grandmother, household: "HH-1", relation: "52", hukou: "310101"),
      Person(id: uncle, household: "HH-2", relation: "02", hukou: "310104"),
      Person(id: aunt, household: "HH-2", relation: "10", hukou: far),
      Person(id: stepchild, household: "HH-2", relation: random.pick(["27", "37"]), hukou: far),
      Person(id: elder, household: "HH-3", relation: "02", hukou: "310101"),
      Person(id: helper, household: "HH-3", relation: "99", hukou: far),
    ]
    places = [
      "HH-1": "310101002", "HH-2": random.pick(Cast.subdistricts),
      "HH-3": random.pick(["310101002", "310101020"]),
    ]
  }

  func place(_ household: String) -> String { places[household] ?? "310101002" }

  func members(of household: String) -> [String] {
    people.filter { $0.household == household }.map(\.id)
  }

  /// A synthetic number: region code 310180 was never assigned.
  static func citizen(_ birth: CivilDate, _ number: Int) -> String {
    let date = birth.description.filter { $0 != "-" }
    let order = String(1000 + number * 7).suffix(3)
    let body = "310180" + date + order
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    let sum = zip(body.utf8, weights).reduce(0) { $0 + Int($1.0 - 0x30) * $1.1 }
    return body + String(Array("10X98765432")[sum % 11])
  }
}
