package anabranch.engine.bank;

import anabranch.engine.Engine;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A model that is opened when it is first wanted, by a thread that ends with it. Thread-safe. */
final class Member implements AutoCloseable {
  private final String name;
  private final Supplier<Engine> supplier;
  private @Nullable CompletableFuture<Engine> opened;
  private boolean closed;

  Member(String name, Supplier<Engine> supplier) {
    this.name = name;
    this.supplier = supplier;
  }

  String name() {
    return name;
  }

  /** Returns the engine; what becomes of the future concerns nobody else. */
  synchronized CompletableFuture<Engine> engine() {
    if (closed) {
      return CompletableFuture.failedFuture(new IllegalStateException("the bank is closed"));
    }
    if (opened == null) {
      CompletableFuture<Engine> opening = new CompletableFuture<>();
      Thread thread = new Thread(() -> open(opening), "anabranch-bank-" + name);
      thread.setDaemon(true);
      thread.start();
      opened = opening;
    }
    return opened.copy();
  }

  private void open(CompletableFuture<Engine> opening) {
    Engine engine;
    try {
      engine = supplier.get();
      if (engine == null) {
        throw new IllegalStateException("its supplier gave no engine");
      }
    } catch (RuntimeException | Error failure) {
      opening.completeExceptionally(failure);
      return;
    }
    opening.complete(engine);
  }

  /** Closes the engine, one that is being opened behind that. */
  @Override
  public void close() {
    CompletableFuture<Engine> last;
    synchronized (this) {
      closed = true;
      last = opened;
    }
    if (last != null) {
      last.thenAccept(Engine::close);
    }
  }
}
