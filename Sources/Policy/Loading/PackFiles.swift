public import Foundation

/// The files of a pack, by path relative to its directory.
public struct PackFiles: Sendable {
  /// In byte order of their paths.
  public let files: [(path: String, text: String)]

  /// More files than this are no pack.
  public static let maximumFiles = 1000

  public init(_ files: [(path: String, text: String)]) {
    self.files = files.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
  }

  /// Reads all `.yaml` files below a directory; hidden ones and files of other kinds are left out.
  /// Nothing that looks like a part of the pack is passed over in silence: links within the
  /// directory and `.yml` files are problems.
  public static func read(directory: URL) -> Result<PackFiles, PolicyProblems> {
    func failure(_ code: String, _ file: String, _ message: String) -> Result<
      PackFiles, PolicyProblems
    > {
      .failure(
        PolicyProblems([PolicyDiagnostic(code: code, file: file, message: message)]))
    }
    let root = directory.standardizedFileURL.resolvingSymlinksInPath()
    guard
      let walk = FileManager.default.enumerator(
        at: root, includingPropertiesForKeys: [.isRegularFileKey, .isSymbolicLinkKey],
        options: .skipsHiddenFiles)
    else { return failure("pack-not-found", "pack.yaml", "the directory cannot be read") }
    var files: [(path: String, text: String)] = []
    for case let url as URL in walk {
      let name = url.path.hasPrefix(root.path + "/")
        ? String(url.path.dropFirst(root.path.count + 1)) : url.lastPathComponent
      guard ["yaml", "yml", ""].contains(url.pathExtension) else { continue }
      if (try? url.resourceValues(forKeys: [.isSymbolicLinkKey]))?.isSymbolicLink == true {
        return failure(
          "symbolic-link", name, "a pack holds files, not links: put the file itself here")
      }
      if url.pathExtension == "yml" {
        return failure("unknown-file", name, "files of a pack end in '.yaml', not '.yml'")
      }
      guard url.pathExtension == "yaml" else { continue }
      guard files.count < maximumFiles else {
        return failure("pack-too-large", name, "more than \(maximumFiles) files")
      }
      guard let data = try? Data(contentsOf: url) else {
        return failure("unreadable-file", name, "the file cannot be read")
      }
      guard data.count <= YAMLSource.maximumBytes else {
        return failure(
          "yaml-too-large", name, "the file has more than \(YAMLSource.maximumBytes) bytes")
      }
      guard let text = String(data: data, encoding: .utf8) else {
        return failure("not-utf8", name, "the file is not UTF-8")
      }
      files.append((name, text))
    }
    guard files.contains(where: { $0.path == "pack.yaml" }) else {
      return failure("pack-not-found", "pack.yaml", "there is no pack.yaml in '\(directory.path)'")
    }
    return .success(PackFiles(files))
  }

  /// The bytes that the digest is taken of: for each file that decides anything, in order of
  /// paths, the path, its length, the text and its length. Policy tests do not decide anything.
  public var canonicalBytes: [UInt8] {
    var bytes: [UInt8] = []
    for (path, text) in files where !path.hasPrefix("tests/") {
      bytes += Array("\(path)\n\(text.utf8.count)\n".utf8)
      bytes += Array(text.utf8)
      bytes.append(0x0A)
    }
    return bytes
  }

  /// The sources under a folder, or the file of that name.
  func sources(_ prefix: String) -> [YAMLSource] {
    files.filter { $0.path == prefix || (prefix.hasSuffix("/") && $0.path.hasPrefix(prefix)) }
      .map { YAMLSource(file: $0.path, text: $0.text) }
  }
}

/// Why a pack does not load: all problems of one run, errors and warnings.
public struct PolicyProblems: Error, Sendable, CustomStringConvertible {
  /// In order of file and place.
  public let diagnostics: [PolicyDiagnostic]

  public init(_ diagnostics: [PolicyDiagnostic]) { self.diagnostics = diagnostics.sorted() }

  public var description: String { diagnostics.map(\.rendered).joined() }
}
