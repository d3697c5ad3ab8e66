package anabranch.engine.bank;

import anabranch.engine.Engine;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.error.Bounds;
import anabranch.model.plan.Head;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Asks a model. Thread-safe; owns its engine. */
final class ModelSignal implements Signal {
  private final Engine engine;

  ModelSignal(Engine engine) {
    this.engine = engine;
    Head.Pool pool = engine.spec().head().pool();
    Bounds.require(
        pool.ofItem(),
        "head.pool " + pool + " of signal \"" + engine.spec().name() + "\" gives no item a vote");
  }

  int logits() {
    return engine.spec().head().outputs();
  }

  @Override
  public CompletableFuture<Vote> ask(Item item) {
    Item plain = new Item(item.id(), item.event(), item.source(), null, null, item.within());
    CompletableFuture<Inference> asked = engine.submit(plain);
    CompletableFuture<Vote> vote = asked.thenApply(ModelSignal::vote);
    vote.whenComplete((said, failure) -> asked.cancel(false));
    return vote;
  }

  private static Vote vote(Inference inference) {
    List<Float> logits = new ArrayList<>();
    for (int i = 0; i < inference.outputs(); i++) {
      logits.add(inference.logits(0).get(i));
    }
    return new Vote(logits, inference.version(), inference.flops());
  }

  @Override
  public void close() {
    engine.close();
  }
}
