package anabranch.engine;

import java.util.concurrent.CompletableFuture;

/** The future of one item; cancelling takes the item out of the queue. */
final class Answer extends CompletableFuture<Inference> {
  private final Inbox inbox;

  Answer(Inbox inbox) {
    this.inbox = inbox;
  }

  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    boolean cancelled = super.cancel(mayInterruptIfRunning);
    if (cancelled) {
      inbox.remove(this);
    }
    return cancelled;
  }

  @Override
  public <U> CompletableFuture<U> newIncompleteFuture() {
    return new CompletableFuture<>();
  }
}
