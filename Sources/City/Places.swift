/// A street-level unit (街道, 镇, 乡 or a zone or farm of that level).
struct Street: Sendable {
  /// Nine digits.
  let code: Int
  let name: String
  /// Index into `Places.districts`.
  let district: Int
  /// Relative number of residents.
  let weight: Int
}

/// The map of the city: districts, streets, how many people live in each, and committees.
///
/// Codes of districts and streets are the official ones; committees are numbered from 001 within
/// their street, as many as the city's size calls for (about 1,500 households each).
struct Places: Sendable {
  /// Households of one committee in the full city.
  static let householdsPerCommittee = 1500

  let districts: [(code: Int, name: String, residents: Int)]
  let streets: [Street]
  /// Streets used by a city of this size: all, or the larger ones of each district in a small city,
  /// so that committees are not nearly empty.
  let used: [Int]
  /// Committees of each street; 0 where the street is not used.
  let committees: [Int]
  /// Running sums of weights over `used`.
  private let sums: [Int]

  init(households: Int) {
    let all = Places.readStreets()
    let used = Places.choose(all, households: households)
    var sums: [Int] = []
    var total = 0
    for street in used {
      total += all[street].weight
      sums.append(total)
    }
    var committees = [Int](repeating: 0, count: all.count)
    for street in used {
      let here = households * all[street].weight / max(1, total)
      committees[street] = max(1, min(250, here / Places.householdsPerCommittee))
    }
    self.districts = districtTable
    self.streets = all
    self.used = used
    self.committees = committees
    self.sums = sums
  }

  /// A street, drawn by its number of residents.
  func draw(_ random: inout SeededRandom) -> Int {
    let target = random.below(sums.last ?? 0)
    var low = 0
    var high = sums.count - 1
    while low < high {
      let middle = (low + high) / 2
      if sums[middle] > target { high = middle } else { low = middle + 1 }
    }
    return used[low]
  }

  /// A committee of a street, 1 upwards.
  func drawCommittee(_ street: Int, _ random: inout SeededRandom) -> Int {
    1 + random.below(committees[street])
  }

  private static func readStreets() -> [Street] {
    var streets: [Street] = []
    var raw: [(code: Int, name: String, district: Int, share: Int)] = []
    var shares = [Int](repeating: 0, count: districtTable.count)
    for line in streetTable.split(separator: "\n") {
      guard let gap = line.firstIndex(of: " "), let code = Int(line[..<gap]),
        let district = districtTable.firstIndex(where: { $0.code == code / 1000 })
      else { continue }
      // Zones, farms and parks (4xx, 5xx) have few residents; the others differ by a fixed hash.
      let share =
        code % 1000 >= 400
        ? 1 : 8 + Int(SeededRandom.mix(UInt64(code)) % 9)
      shares[district] += share
      raw.append((code, String(line[line.index(after: gap)...]), district, share))
    }
    for street in raw {
      let residents = districtTable[street.district].residents
      streets.append(
        Street(
          code: street.code, name: street.name, district: street.district,
          weight: max(1, residents * 1000 * street.share / shares[street.district])))
    }
    return streets
  }

  /// One street for each 40 households, but at least the largest street of each district.
  private static func choose(_ streets: [Street], households: Int) -> [Int] {
    let wanted = max(districtTable.count, min(streets.count, households / 40))
    if wanted == streets.count { return Array(streets.indices) }
    let bySize = streets.indices.sorted {
      (streets[$0].weight, $1) > (streets[$1].weight, $0)
    }
    var chosen: [Int] = []
    for district in districtTable.indices {
      if let largest = bySize.first(where: { streets[$0].district == district }) {
        chosen.append(largest)
      }
    }
    for street in bySize where chosen.count < wanted && !chosen.contains(street) {
      chosen.append(street)
    }
    return chosen.sorted()
  }
}

/// Where a household lives: street and committee in one number, as events carry it.
struct Place: Equatable, Sendable {
  let packed: Int32
  init(packed: Int32) { self.packed = packed }
  init(street: Int, committee: Int) { packed = Int32(street << 8 | committee) }
  var street: Int { Int(packed >> 8) }
  var committee: Int { Int(packed & 0xFF) }
}
