package anabranch.onnx.step;

import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.facts.StageSpec;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.route.Logits;
import anabranch.model.route.Router;
import anabranch.onnx.attention.Additions;
import anabranch.onnx.attention.Angles;
import anabranch.onnx.attention.AttentionCore;
import anabranch.onnx.graph.BlockGraphs;
import anabranch.onnx.graph.EdgeGraphs;
import anabranch.onnx.graph.Graph;
import anabranch.onnx.graph.Step;
import anabranch.onnx.session.Opener;
import anabranch.onnx.session.Session;
import anabranch.routing.Routing;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Loads the steps of blocks into sessions. Confined to one load. */
public final class StepLoader {
  private final int width;
  private final Opener opener;
  private final boolean asksReceived;
  private final Map<Attention, AttentionCore> cores = new HashMap<>();
  private final Map<Attention.Rotary, Map<Integer, Angles>> angles = new HashMap<>();
  private final Map<String, AttendStep> memoryReaders = new HashMap<>();

  /** Starts a load. */
  public StepLoader(ModelSpec spec, Opener opener) {
    this.width = spec.width();
    this.opener = opener;
    this.asksReceived = Cut.of(spec).stages().stream().anyMatch(StepLoader::asksReceived);
  }

  /** Returns whether a stage asks for what its rows receive. */
  public static boolean asksReceived(StageSpec stage) {
    return stage.point().score() == Criterion.Score.ATTENTION_RECEIVED;
  }

  /** Returns the attentions loaded so far that read a memory, by their parameter paths. */
  public Map<String, AttendStep> memoryReaders() {
    return Map.copyOf(memoryReaders);
  }

  /**
   * Loads sublayers.
   *
   * @param path of their parameters
   * @param block the number of their block, for random routers
   */
  public List<LoadedStep> load(String path, int block, List<Sublayer> sublayers) {
    return load(BlockGraphs.of(width, path, sublayers), block);
  }

  private List<LoadedStep> load(List<Step> steps, int block) {
    List<LoadedStep> loaded = new ArrayList<>();
    for (Step step : steps) {
      loaded.add(load(step, block));
    }
    return loaded;
  }

  private LoadedStep load(Step step, int block) {
    if (step instanceof Step.Attend attend) {
      return attend(attend);
    } else if (step instanceof Step.Tokenwise layers) {
      return new TokenwiseStep(layers, opener.open(layers.graph()));
    } else if (step instanceof Step.Mix mix) {
      Router router = mix.mixture().router();
      int members = mix.mixture().members();
      List<Session> experts = new ArrayList<>();
      mix.experts().forEach(graph -> experts.add(opener.open(graph)));
      Bank bank = bank(mix.path(), block, router, members, mix.router());
      boolean constant = mix.mixture().constant();
      Graph shared = mix.shared();
      return new MixStep(
          mix,
          bank,
          experts,
          constant ? opener.numbers(mix.path() + ".constant") : new float[0],
          shared == null ? null : opener.open(shared));
    } else if (step instanceof Step.Inside inside) {
      Graph lead = inside.lead();
      Bank bank =
          inside.skip() == null
              ? null
              : bank(inside.path(), block, inside.skip().router(), 1, inside.router());
      List<LoadedStep> own = load(inside.steps(), block);
      return new InsideStep(inside, lead == null ? null : opener.open(lead), bank, own);
    } else if (step instanceof Step.Recur recur) {
      return recur(recur);
    }
    throw new AssertionError(step);
  }

  private LoadedStep attend(Step.Attend attend) {
    AttendStep loaded =
        new AttendStep(
            attend,
            opener.open(attend.keysAndValues()),
            opener.open(attend.query()),
            core(attend.attention()),
            additions(attend),
            angles(attend.attention()));
    if (attend.attention().mask() == Attention.Mask.MEMORY) {
      memoryReaders.put(attend.path(), loaded);
    }
    return loaded;
  }

  private LoadedStep recur(Step.Recur recur) {
    String path = recur.path();
    Scan scan =
        new Scan(
            recur.recurrence(),
            opener.numbers(path + ".convolution.weight"),
            opener.numbers(path + ".convolution.bias"),
            opener.numbers(path + ".a"),
            opener.numbers(path + ".d"));
    return new RecurStep(recur, opener.open(recur.in()), opener.open(recur.project()), scan);
  }

  private Bank bank(String path, int block, Router router, int members, @Nullable Graph means) {
    float[] correction =
        router.hasCorrection() ? opener.numbers(path + ".router.correction") : null;
    boolean named = router.logits() instanceof Logits.TokenTable;
    float[] table = named ? opener.numbers(path + ".router.table") : null;
    Routing routing = Routing.of(path, block, router, members, correction, table);
    Session session = means == null ? null : opener.open(means);
    return new Bank(path, router, router.logitsFor(members), routing, session);
  }

  private AttentionCore core(Attention attention) {
    Attention shape =
        new Attention(
            attention.heads(),
            attention.keyValueHeads(),
            attention.headWidth(),
            attention.mask(),
            null,
            Attention.Bias.NONE,
            null,
            null,
            null,
            new Attention.Scores(attention.scale(), sinks(attention), distances(attention)));
    return cores.computeIfAbsent(
        shape,
        described ->
            new AttentionCore(
                described,
                opener.open(EdgeGraphs.core(described)),
                asksReceived ? opener.open(EdgeGraphs.received(described)) : null));
  }

  private Additions additions(Step.Attend attend) {
    Attention attention = attend.attention();
    return new Additions(
        attention,
        distances(attention) == null ? null : opener.numbers(attend.path() + ".distances"),
        sinks(attention) ? opener.numbers(attend.path() + ".sinks") : null);
  }

  private static boolean sinks(Attention attention) {
    Attention.Scores scores = attention.scores();
    return scores != null && scores.sinks();
  }

  private static Attention.@Nullable Distances distances(Attention attention) {
    Attention.Scores scores = attention.scores();
    return scores == null ? null : scores.distances();
  }

  private @Nullable Angles angles(Attention attention) {
    Attention.Rotary rotary = attention.rotary();
    if (rotary == null) {
      return null;
    }
    return angles
        .computeIfAbsent(rotary, r -> new HashMap<>())
        .computeIfAbsent(
            rotary.width(attention.headWidth()) / 2, pairs -> new Angles(rotary, pairs));
  }
}
