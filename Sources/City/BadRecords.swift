/// Records that no reader can use, each with one defect, in all kinds by turns.
extension Life {
  func addBadRecords(_ day: Int) {
    let usable = buckets[day].count + (missing(day).map { max(0, $0) } ?? windowRecords(day))
    let count = random.poisson(Double(usable) * options.bad)
    for _ in 0..<count { addBadRecord(day) }
  }

  private func addBadRecord(_ day: Int) {
    let kinds = Defect.allCases.filter {
      $0 != .none && ($0 != .oversized || options.oversized) && ($0 != .nullValue || !lines)
    }
    let defect = kinds[badTurn % kinds.count]
    badTurn += 1
    guard let person = someone(where: { _, _ in true }) else { return }
    let time = Int32(day * 86_400) + Int32(random.within(8 * 3600...20 * 3600))
    var plan: Plan
    switch defect {
    case .impossibleDate, .malformedMoney:
      plan = Plan(.medicalExpense, .insurance, person, date: date(day))
      plan.y = 12_300
    case .unknownReferral:
      plan = Plan(.accepted, .advisors, person, date: date(day))
    default:
      plan = Plan(.window, .window, person, state: Stage.submitted, date: 0)
      plan.x = home(person).place.packed
      plan.y = Int32(items.everyday(&random))
      plan.linked = upcoming
    }
    plan.defect = defect
    post(plan, at: time, .prompt, steady: true)
  }
}
