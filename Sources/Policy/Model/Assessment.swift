public import Expression

/// One step of an indicator.
public struct AssessmentBand: Sendable {
  public let program: Program
  /// 0 to 100, of the indicator's weight in hundredths.
  public let points: Int
  public let says: String
}

/// One of the weighted signs of hardship. The first band whose condition holds gives its points.
public struct AssessmentIndicator: Sendable {
  public let id: String
  public let title: String
  public let dimension: Int
  /// Points it can contribute.
  public let weight: Int
  public let bands: [AssessmentBand]
  public let basis: String
}

public struct AssessmentDimension: Sendable {
  public let id: String
  public let title: String
  /// Most points that its indicators give together.
  public let cap: Int
}

/// A named range of the score.
public struct AssessmentLevel: Sendable {
  public let id: String
  public let title: String
  /// Lowest score of the level.
  public let from: Int
}

/// The needs assessment of a pack (plan 3.5), with the weights of districts that have their own.
public struct AssessmentModel: Sendable {
  public let id: String
  public let version: Int
  public let dimensions: [AssessmentDimension]
  public let indicators: [AssessmentIndicator]
  /// By rising `from`.
  public let levels: [AssessmentLevel]
  /// Weights by indicator for districts with an overlay.
  public let localWeights: [String: [Int]]
  public let reads: ReadSet

  /// The outcome for one household.
  public struct Score: Hashable, Sendable {
    public struct Part: Hashable, Sendable {
      public let indicator: String
      public let title: String
      public let points: Int
      public let says: String
    }
    /// Lower bound: what is unknown counts nothing.
    public let points: Int
    /// What unknown facts could still add.
    public let unknown: Int
    public let parts: [Part]
  }

  /// Evaluates all indicators. `context` must have `household` and `params` set.
  public func score(_ context: EvaluationContext, district: String) -> Score {
    let weights = localWeights[district]
    var sure = Array(repeating: 0, count: dimensions.count)
    var possible = sure
    var parts: [Score.Part] = []
    for (at, indicator) in indicators.enumerated() {
      let weight = weights?[at] ?? indicator.weight
      let outcome = AssessmentModel.decide(indicator.bands, context)
      let points = weight * outcome.points / 100
      sure[indicator.dimension] += points
      possible[indicator.dimension] += weight * outcome.possible / 100
      if points > 0 {
        parts.append(
          Score.Part(
            indicator: indicator.id, title: indicator.title, points: points, says: outcome.says))
      }
    }
    var total = 0
    var most = 0
    for (at, dimension) in dimensions.enumerated() {
      total += min(dimension.cap, sure[at])
      most += min(dimension.cap, max(sure[at], possible[at]))
    }
    return Score(points: total, unknown: most - total, parts: parts)
  }

  /// The level of a score; nil below the lowest.
  public func level(_ points: Int) -> AssessmentLevel? { levels.last { $0.from <= points } }

  /// The points that are sure, and those that an unknown fact could bring. Where an earlier band
  /// might hold instead, the lower of both is sure.
  private static func decide(
    _ bands: [AssessmentBand], _ context: EvaluationContext
  ) -> (points: Int, possible: Int, says: String) {
    var possible = 0
    var least = Int.max
    for band in bands {
      switch band.program.decide(context) {
      case .holds: return (min(least, band.points), max(possible, band.points), band.says)
      case .unknown:
        possible = max(possible, band.points)
        least = min(least, band.points)
      case .fails, .failed: continue
      }
    }
    return (0, possible, "")
  }
}
