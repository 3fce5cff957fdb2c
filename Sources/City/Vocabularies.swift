/// The in-topics that the city writes to, without the configured prefix.
public enum CityTopic: UInt8, CaseIterable, Sendable {
  case windowTransactions, departmentNotices, householdRegistry, assistanceDecisions
  case fieldReports, referralFeedback, directoryAdvisors, directoryResources

  /// The name after `<prefix>.`.
  public var suffix: String {
    switch self {
    case .windowTransactions: "window.transactions"
    case .departmentNotices: "department.notices"
    case .householdRegistry: "household.registry"
    case .assistanceDecisions: "assistance.decisions"
    case .fieldReports: "field.reports"
    case .referralFeedback: "referral.feedback"
    case .directoryAdvisors: "directory.advisors"
    case .directoryResources: "directory.resources"
    }
  }
}

/// The event types of the default policy pack.
public enum CityEventType: UInt8, CaseIterable, Sendable {
  case window, death, marriage, divorce, birth, custody, drugTreatment, employment, jobOffer
  case disability, illness, medicalExpense, income, residence, guardianship, guardianStatus
  case finding, payment, emergency, retracted, composition, decision, visit, tip, hotline
  case accepted, started, visited, completed, declined, reassigned

  /// The name after `cn.gov.sh.assist.`.
  public var name: String { String(describing: nameText) }

  var nameText: StaticString {
    switch self {
    case .window: "window.transaction"
    case .death: "notice.death"
    case .marriage: "notice.marriage"
    case .divorce: "notice.divorce"
    case .birth: "notice.birth"
    case .custody: "notice.custody"
    case .drugTreatment: "notice.drug-treatment"
    case .employment: "notice.employment"
    case .jobOffer: "notice.job-offer"
    case .disability: "notice.disability"
    case .illness: "notice.illness"
    case .medicalExpense: "notice.medical-expense"
    case .income: "notice.income"
    case .residence: "notice.residence"
    case .guardianship: "notice.guardianship"
    case .guardianStatus: "notice.guardian-status"
    case .finding: "notice.finding"
    case .payment: "notice.payment"
    case .emergency: "notice.emergency"
    case .retracted: "notice.retracted"
    case .composition: "household.composition"
    case .decision: "assistance.decision"
    case .visit: "report.visit"
    case .tip: "report.tip"
    case .hotline: "report.hotline"
    case .accepted: "referral.accepted"
    case .started: "referral.started"
    case .visited: "referral.visited"
    case .completed: "referral.completed"
    case .declined: "referral.declined"
    case .reassigned: "referral.reassigned"
    }
  }

  /// Where the type is published (a retraction goes to the topic of what it retracts).
  public var topic: CityTopic {
    switch self {
    case .window: .windowTransactions
    case .composition: .householdRegistry
    case .decision: .assistanceDecisions
    case .visit, .tip, .hotline: .fieldReports
    case .accepted, .started, .visited, .completed, .declined, .reassigned: .referralFeedback
    default: .departmentNotices
    }
  }

  /// Fit for a `dataclassification` of its own: drug cases, custody and children's cases.
  var isRestricted: Bool {
    switch self {
    case .custody, .drugTreatment, .finding, .guardianship, .guardianStatus: true
    default: false
    }
  }
}

/// The systems that send events; the text is the `source` attribute.
enum Source: UInt8, CaseIterable {
  case window, registry, police, funeral, hospital, marriages, court, prison, drugCentre
  case employment, federation, insurance, tax, emergencyOffice, aid, payments, committee
  case hotline, petitions, advisors

  var text: StaticString {
    switch self {
    case .window: "urn:sim:sh:window"
    case .registry: "urn:sim:sh:household-registry"
    case .police: "urn:sim:sh:police"
    case .funeral: "urn:sim:sh:funeral"
    case .hospital: "urn:sim:sh:health"
    case .marriages: "urn:sim:sh:marriages"
    case .court: "urn:sim:sh:court"
    case .prison: "urn:sim:sh:prison"
    case .drugCentre: "urn:sim:sh:drug-treatment"
    case .employment: "urn:sim:sh:employment"
    case .federation: "urn:sim:sh:disabled-persons"
    case .insurance: "urn:sim:sh:medical-insurance"
    case .tax: "urn:sim:sh:incomes"
    case .emergencyOffice: "urn:sim:sh:emergency"
    case .aid: "urn:sim:sh:assistance"
    case .payments: "urn:sim:sh:payments"
    case .committee: "urn:sim:sh:committees"
    case .hotline: "urn:sim:sh:hotline"
    case .petitions: "urn:sim:sh:petitions"
    case .advisors: "urn:sim:sh:advisors"
    }
  }
}

// The words of the contract's enumerations, in the order of the codes that plans carry.
let stageWords: [StaticString] = [
  "submitted", "accepted", "approved", "rejected", "withdrawn", "completed",
]
let custodyWords: [StaticString] = [
  "detained", "imprisoned", "community-correction", "released",
]
let drugWords: [StaticString] = ["compulsory", "community", "ended"]
let employmentWords: [StaticString] = ["lost", "employed", "benefit-started", "benefit-ended"]
let offerWords: [StaticString] = ["offered", "accepted", "refused"]
let disabilityWords: [StaticString] = ["issued", "changed", "cancelled", "expired"]
let illnessWords: [StaticString] = ["serious", "hospitalised", "discharged", "ended"]
let residenceWords: [StaticString] = [
  "moved", "permit-issued", "permit-lapsed", "missing", "found",
]
let guardianWords: [StaticString] = [
  "revoked", "restored", "deported", "declared-missing", "declared-dead", "restricted", "ended",
]
let findingWords: [StaticString] = ["drug", "gambling"]
let emergencyWords: [StaticString] = ["fire", "accident", "sudden-illness", "other"]
let programmeWords: [StaticString] = [
  "none", "dibao", "tekun", "marginal", "rigid-expense", "temporary", "medical", "education",
  "housing", "employment",
]
let decisionWords: [StaticString] = [
  "applied", "granted", "renewed", "rejected", "suspended", "exited",
]
let reasonWords: [StaticString] = [
  "income-above", "assets-above", "not-cooperating", "fraud", "death", "moved-away",
  "withdrawn-by-applicant", "expired", "other",
]
let difficultyWords: [StaticString] = [
  "income", "illness", "disability", "unemployment", "housing", "education", "care", "child",
  "elder", "psychological", "legal", "disaster", "other",
]
let careWords: [StaticString] = ["full", "partial", "none"]

/// The codes of the words above that the generators name.
enum Stage {
  static let submitted = 0, accepted = 1, approved = 2, rejected = 3, withdrawn = 4
  static let completed = 5
}
enum Custody { static let detained = 0, imprisoned = 1, correction = 2, released = 3 }
enum Drug { static let compulsory = 0, community = 1, ended = 2 }
enum Work { static let lost = 0, employed = 1, benefitStarted = 2, benefitEnded = 3 }
enum Offer { static let offered = 0, accepted = 1, refused = 2 }
enum Certificate { static let issued = 0, changed = 1, cancelled = 2, expired = 3 }
enum Illness { static let serious = 0, hospitalised = 1, discharged = 2, ended = 3 }
enum Residence {
  static let moved = 0, permitIssued = 1, permitLapsed = 2, missing = 3, found = 4
}
enum Guardian {
  static let revoked = 0, restored = 1, deported = 2, declaredMissing = 3, declaredDead = 4
  static let restricted = 5, ended = 6
}
enum Verdict {
  static let applied = 0, granted = 1, renewed = 2, rejected = 3, suspended = 4, exited = 5
}
enum Reason {
  static let incomeAbove = 0, assetsAbove = 1, notCooperating = 2, fraud = 3, death = 4
  static let movedAway = 5, withdrawn = 6, expired = 7, other = 8
}
