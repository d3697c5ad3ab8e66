package anabranch.flink;

import anabranch.backend.LoadOptions;
import anabranch.engine.EngineOptions;
import anabranch.engine.Policy;
import anabranch.flink.model.ModelRecipe;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.weights.Weights;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link ScriptedBackend} does in one test, and what happened to it. Tasks find it by name,
 * in the same JVM.
 */
public final class Script {
  private static final Map<String, Script> ALL = new ConcurrentHashMap<>();
  private static final AtomicInteger NEXT = new AtomicInteger();

  /** A classifier in three stages that whole items leave behind any of them. */
  public static final ModelSpec SPEC = spec();

  public static final Policy BOTH_EXITS = Policy.named("both").with("a", 1).with("b", 1);

  public final String name = "script" + NEXT.incrementAndGet();
  public final AtomicInteger loads = new AtomicInteger();
  public final AtomicInteger openModels = new AtomicInteger();
  public final Queue<Integer> ran = new ConcurrentLinkedQueue<>();
  public volatile @Nullable RuntimeException loadFailure;
  public volatile Runnable duringLoad = () -> {};

  /** Called with the first token of each item in the first stage, on an engine's thread. */
  public volatile IntConsumer before = token -> {};

  /** Called with the first token of each item in the stages behind the first. */
  public volatile IntConsumer deep = token -> {};

  private final Map<Integer, CountDownLatch> blocked = new ConcurrentHashMap<>();

  public Script() {
    ALL.put(name, this);
  }

  static Script named(String name) {
    return ALL.get(name);
  }

  /** Returns a recipe whose engine runs each item on its own, eight at a time. */
  public ModelRecipe recipe() {
    return recipe(EngineOptions.defaults().withBatchRows(1).withLanes(8));
  }

  public ModelRecipe recipe(EngineOptions options) {
    return ModelRecipe.of("scripted", SPEC, spec -> Weights.random(spec, 1))
        .withLoadOptions(LoadOptions.defaults().with("scripted.script", name))
        .withPolicy(BOTH_EXITS)
        .withEngineOptions(options);
  }

  /** Lets items that start with a token hang until released. */
  public void block(int token) {
    blocked.put(token, new CountDownLatch(1));
  }

  public void release(int token) {
    blocked.get(token).countDown();
  }

  void run(int token) {
    ran.add(token);
    before.accept(token);
    CountDownLatch latch = blocked.get(token);
    if (latch != null) {
      try {
        latch.await();
      } catch (InterruptedException stop) {
        throw new IllegalStateException(stop);
      }
    }
  }

  private static ModelSpec spec() {
    Block block =
        Block.of(Sublayer.preNorm(new Norm.Layer(1e-5), FeedForward.plain(4, Activation.RELU)));
    Head head = new Head(Head.Pool.FIRST, null, 2, false);
    Exit a = new Exit("a", head, Criterion.confidence(), Bypass.TERMINATE);
    Exit b = new Exit("b", head, Criterion.confidence(), Bypass.TERMINATE);
    return new ModelSpec(
        "script",
        4,
        new Input.Tokens(1_000_000, 8),
        Embedding.plain(),
        Plan.builder().add(block).add(a).add(block).add(b).add(block).build(),
        head);
  }
}
