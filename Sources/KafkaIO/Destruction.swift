import CRdKafka
import Glibc

/// The end of one `rd_kafka_t`, which may take forever.
///
/// Unchecked: the fields are written before the thread starts and used by that thread only, except
/// for the semaphore, which is made for sharing.
final class Destruction: @unchecked Sendable {
  private let rk: OpaquePointer
  private let flags: Int32
  private let context: Unmanaged<ClientContext>
  private let done: UnsafeMutablePointer<sem_t>

  /// Takes over the client and the hold that it has on its context.
  init(rk: OpaquePointer, flags: Int32, context: Unmanaged<ClientContext>) {
    self.rk = rk
    self.flags = flags
    self.context = context
    done = .allocate(capacity: 1)
    sem_init(done, 0, 0)
  }

  deinit {
    sem_destroy(done)
    done.deallocate()
  }

  /// Destroys; false where that takes longer than `limit` and goes on alone.
  func run(limit: Duration) -> Bool {
    var thread = pthread_t()
    let hold = Unmanaged.passRetained(self)
    guard pthread_create(&thread, nil, destroyClient, hold.toOpaque()) == 0 else {
      hold.release()
      finish()
      return true
    }
    pthread_detach(thread)
    var end = timespec()
    clock_gettime(CLOCK_REALTIME, &end)
    end.tv_sec += Int(limit.components.seconds)
    while sem_timedwait(done, &end) != 0 {
      if errno != EINTR { return false }
    }
    return true
  }

  /// On the helper thread.
  fileprivate func finish() {
    rd_kafka_destroy_flags(rk, flags)
    context.release()
    sem_post(done)
  }
}

private func destroyClient(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let argument else { return nil }
  Unmanaged<Destruction>.fromOpaque(argument).takeRetainedValue().finish()
  return nil
}
