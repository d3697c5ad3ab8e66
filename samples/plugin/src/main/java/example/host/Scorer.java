package example.host;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;

/**
 * Scores lines with a plugin that can be replaced while it works. Thread-safe. Closing it closes
 * the plugin; scoring afterwards throws {@link IllegalStateException}.
 */
final class Scorer implements Function<String, Score>, AutoCloseable {
  private final AtomicReference<Plugin> current;
  private volatile boolean closed;

  Scorer(Plugin first) {
    current = new AtomicReference<>(first);
  }

  @Override
  public Score apply(String line) {
    while (!closed) {
      Optional<Score> score = current.get().score(line);
      if (score.isPresent()) {
        return score.get();
      }
    }
    throw new IllegalStateException("this scorer is closed");
  }

  /** Scores with another plugin from now on; returns when the last line of the old one is done. */
  void replace(Plugin next) throws Exception {
    current.getAndSet(next).close();
  }

  @Override
  public void close() throws Exception {
    closed = true;
    current.get().close();
  }
}
