/// Placeholder wiring.
enum RegexCache {
  static func match(_ c: EvaluationContext, _ text: Text, _ pattern: Text) -> Value { .error(.conversion) }
}
