import Operations
import Policy

/// Something that a check found.
struct Finding {
  enum Severity: String {
    /// The daemon would not run, or not rightly.
    case error
    case warning
  }
  enum Area: String {
    case configuration, policy, topics, state, identifiers, connectivity
  }

  let severity: Severity
  let area: Area
  /// Stable, for scripts.
  let code: String
  let message: String
  /// What to do; nil where the message says it.
  var hint: String?
  /// The problem as text with its place, where it has one.
  var diagnostic: PolicyDiagnostic?

  init(
    _ severity: Severity, _ area: Area, _ code: String, _ message: String, hint: String? = nil
  ) {
    self.severity = severity
    self.area = area
    self.code = code
    self.message = message
    self.hint = hint
  }

  init(_ diagnostic: PolicyDiagnostic, _ area: Area) {
    self.init(
      diagnostic.severity == .error ? .error : .warning, area, diagnostic.code,
      diagnostic.message, hint: diagnostic.hint)
    self.diagnostic = diagnostic
  }

  /// For people.
  var text: String {
    if let diagnostic { return diagnostic.rendered }
    let tail = hint.map { "   = hint: \($0)\n" } ?? ""
    return "\(area.rawValue): \(severity.rawValue)[\(code)]: \(message)\n" + tail
  }

  var json: String {
    var fields = [
      ("severity", JSONText.string(severity.rawValue)), ("area", JSONText.string(area.rawValue)),
      ("code", JSONText.string(code)), ("message", JSONText.string(message)),
    ]
    if let hint { fields.append(("hint", JSONText.string(hint))) }
    if let diagnostic, diagnostic.line > 0 {
      fields.append(("file", JSONText.string(diagnostic.file)))
      fields.append(("line", "\(diagnostic.line)"))
      fields.append(("column", "\(diagnostic.column)"))
    }
    return JSONText.object(fields.map { (name: $0.0, json: $0.1) })
  }
}
