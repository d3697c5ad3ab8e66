package anabranch.engine.bank;

import anabranch.error.ExecutionException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * An answer of a bank on its way. Whoever completes it, cancels the parts that still run.
 * Thread-safe.
 */
final class Course<T> extends CompletableFuture<T> {
  private final Door door;
  private final Runnable last;
  private final String item;
  private final AtomicBoolean over = new AtomicBoolean();
  private final List<CompletableFuture<?>> parts = new ArrayList<>();

  /**
   * Creates a course.
   *
   * @param last runs behind it if it was the last of a closed bank
   */
  Course(Door door, Runnable last, String item) {
    this.door = door;
    this.last = last;
    this.item = item;
  }

  /**
   * Begins a part and goes on with what it gives; a failure of either is that of the course.
   *
   * @param what names the part in the failure
   */
  <P> void follow(String what, Supplier<CompletableFuture<P>> begin, Consumer<P> next) {
    if (over.get()) {
      return;
    }
    CompletableFuture<P> part;
    try {
      part = begin.get();
      if (part == null) {
        throw new IllegalStateException("gave no future");
      }
    } catch (RuntimeException | Error failure) {
      fail(what, failure);
      return;
    }
    add(part);
    part.whenComplete((value, failure) -> door.run(() -> over(what, part, value, failure, next)));
  }

  private <P> void over(
      String what, CompletableFuture<P> part, P value, Throwable failure, Consumer<P> next) {
    synchronized (parts) {
      parts.remove(part);
    }
    if (over.get()) {
      return;
    }
    if (failure != null) {
      fail(what, failure);
      return;
    }
    try {
      if (value == null) {
        throw new IllegalStateException("gave nothing");
      }
      next.accept(value);
    } catch (RuntimeException | Error broken) {
      fail(what, broken);
    }
  }

  private void add(CompletableFuture<?> part) {
    synchronized (parts) {
      parts.add(part);
    }
    if (over.get()) {
      part.cancel(false);
    }
  }

  void fail(String what, Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    String reason = cause.getMessage() == null ? cause.toString() : cause.getMessage();
    completeExceptionally(new ExecutionException(item, -1, what + ": " + reason, cause));
  }

  @Override
  public boolean complete(T value) {
    return end(() -> super.complete(value));
  }

  @Override
  public boolean completeExceptionally(Throwable reason) {
    return end(() -> super.completeExceptionally(reason));
  }

  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    return end(() -> super.cancel(mayInterruptIfRunning)) || isCancelled();
  }

  /** Makes room first: who continues behind this may want to come in again. */
  private boolean end(BooleanSupplier completion) {
    if (!over.compareAndSet(false, true)) {
      return false;
    }
    boolean wasLast = door.leave(this);
    List<CompletableFuture<?>> running;
    synchronized (parts) {
      running = List.copyOf(parts);
      parts.clear();
    }
    boolean[] completed = new boolean[1];
    door.run(
        () -> {
          running.forEach(part -> part.cancel(false));
          completed[0] = completion.getAsBoolean();
        });
    if (wasLast) {
      last.run();
    }
    return completed[0];
  }

  @Override
  public <U> CompletableFuture<U> newIncompleteFuture() {
    return new CompletableFuture<>();
  }
}
