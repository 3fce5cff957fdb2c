internal import Foundation

/// The pages behind those in use, written with zeros before LMDB takes them.
///
/// The file has the size of the map from the start, but a page comes to be when it is first written
/// to: by a fault, for itself alone, which costs three microseconds (Linux 6.18, ext4). Written
/// through the file, some at a time, it costs half, and the kernel keeps it together with its
/// neighbours. Much larger pieces would cost less still here, but more whenever one of their pages
/// is written to after they went to the disk.
struct PreparedGround {
  private static let pageBytes = 4096
  private static let pieceBytes = 32 << 10
  private static let smallest = 256 << 10
  private static let greatest = 16 << 20

  /// Up to where the file is known to be written.
  private var end = 0

  /// Prepares what a transaction of so many writes may need where each takes a new page, but no
  /// more than is in use already. What fails here comes to light, if at all, when it is needed.
  mutating func prepare(_ file: Int32, used: Int, writes: Int, mapSize: Int) {
    let most = max(min(used, PreparedGround.greatest), PreparedGround.smallest)
    let wanted = min(used + min(writes * PreparedGround.pageBytes, most), mapSize)
    end = max(end, used)
    guard end < wanted else { return }
    withUnsafeTemporaryAllocation(byteCount: PreparedGround.pieceBytes, alignment: 8) { zeros in
      zeros.initializeMemory(as: UInt8.self, repeating: 0)
      while end < wanted {
        let piece = min(PreparedGround.pieceBytes - end % PreparedGround.pieceBytes, mapSize - end)
        let written = pwrite(file, zeros.baseAddress, piece, off_t(end))
        guard written > 0 else { return }
        end += written
      }
    }
  }
}
