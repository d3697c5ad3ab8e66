package anabranch.engine;

import java.util.concurrent.CompletableFuture;

/** The future of one item; cancelling takes the item out of its queue. */
final class Answer extends CompletableFuture<Inference> {
  private final Desk desk;

  Answer(Desk desk) {
    this.desk = desk;
  }

  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    boolean cancelled = super.cancel(mayInterruptIfRunning);
    if (cancelled) {
      desk.remove(this);
    }
    return cancelled;
  }

  @Override
  public <U> CompletableFuture<U> newIncompleteFuture() {
    return new CompletableFuture<>();
  }
}
