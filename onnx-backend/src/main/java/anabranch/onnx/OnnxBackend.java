package anabranch.onnx;

import anabranch.backend.Backend;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.backend.Numerics;
import anabranch.error.DescriptionException;
import anabranch.error.Unsupported;
import anabranch.error.UnsupportedModelException;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Dependence;
import anabranch.model.facts.StageSpec;
import anabranch.model.facts.Visit;
import anabranch.model.layer.Parameter;
import anabranch.model.layer.Sublayer;
import anabranch.onnx.crew.Crew;
import anabranch.onnx.graph.BlockGraphs;
import anabranch.onnx.graph.Graph;
import anabranch.onnx.graph.Kernels;
import anabranch.onnx.graph.Step;
import anabranch.onnx.run.Loader;
import anabranch.onnx.session.NativeRuntime;
import anabranch.onnx.session.Opener;
import anabranch.onnx.session.Target;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Runs models with ONNX Runtime, in fp32 or another {@link Precision}. Stateless and thread-safe.
 *
 * <p>On x86-64 CPUs a row's numbers have the same bits in any batch, with any number of threads and
 * however a sequence is cut into calls, unless the description lets items compete or experts are
 * {@link Experts#FUSED} or graphs {@link Graphs#LARGE}; other processors repeat the bits of the
 * same batch.
 */
public final class OnnxBackend implements Backend {
  /** The name that selects this backend. */
  public static final String NAME = "onnx";

  /** The most products of 8 bits whose sum is sure to fit 32 bits: each is at most 255 * 64. */
  private static final int LONGEST_SUM_OF_8_BITS = 1 << 17;

  /** Where keys and values have 11 bits: of answers, and of what decisions go by. */
  private static final double TOLERANCE_OF_HALVES = 1e-2;

  private final @Nullable Kernels written;

  /** Creates the backend; nothing native is touched before a model is checked. */
  public OnnxBackend() {
    this(null);
  }

  /**
   * Creates one that runs the graphs of another device where it can.
   *
   * @param written for whose operators graphs are written; null for those of the device that runs
   */
  OnnxBackend(@Nullable Kernels written) {
    this.written = written;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public List<Unsupported> check(ModelSpec spec, LoadOptions options) {
    List<Unsupported> parts = new ArrayList<>(options.refusals(spec));
    parts.addAll(OnnxOptions.unknown(options));
    try {
      OnnxOptions own = OnnxOptions.from(options);
      // It starts while the description is looked at.
      NativeRuntime.begin(own.threads());
      parts.addAll(tooLarge(spec));
      parts.addAll(beyond(own, spec));
      NativeRuntime runtime = NativeRuntime.get(own.threads());
      parts.addAll(Placement.of(own.device(), runtime::cudaFailure).refused());
    } catch (DescriptionException malformed) {
      parts.addAll(tooLarge(spec));
      parts.add(new Unsupported("settings", String.valueOf(malformed.getMessage())));
    } catch (IllegalStateException | LinkageError unusable) {
      parts.add(new Unsupported("runtime", String.valueOf(unusable.getMessage())));
    }
    return List.copyOf(parts);
  }

  @Override
  public LoadedModel load(ModelSpec spec, Weights weights, LoadOptions options) {
    List<Unsupported> parts = check(spec, options);
    if (!parts.isEmpty()) {
      throw new UnsupportedModelException(NAME, spec.name(), parts);
    }
    weights.requireFit(spec);
    OnnxOptions own = OnnxOptions.from(options);
    NativeRuntime runtime = NativeRuntime.get(own.threads());
    Placement placement = Placement.of(own.device(), runtime::cudaFailure);
    List<String> notes = new ArrayList<>(runtime.notes(own.threads()));
    notes.addAll(options.notes(spec));
    notes.addAll(placement.notes());
    Target target = placement.target();
    if (!target.isCpu()) {
      notes.addAll(NativeRuntime.cudaNotes());
    }
    Kernels kernels = written == null ? target.kernels() : written;
    Device device = target.isCpu() ? Device.cpu() : own.device();
    Graphs graphs =
        own.graphs() == Graphs.MEASURED ? GraphChoice.of(device).graphs() : own.graphs();
    Experts experts = graphs == Graphs.LARGE ? Experts.FUSED : own.experts();
    if (own.experts() == Experts.TOGETHER && experts == Experts.FUSED) {
      notes.add("experts are fused, not together: graphs are large");
    }
    if (experts == Experts.TOGETHER && !target.isCpu()) {
      notes.add("experts run one by one: nobody has measured them together on a GPU");
      experts = Experts.SINGLE;
    }
    boolean halves = own.state() == KeptNumbers.FP16;
    double tolerance = own.precision().tolerance();
    if (halves) {
      notes.add("sequences keep keys and values in fp16");
      tolerance = Math.max(tolerance, TOLERANCE_OF_HALVES);
    }
    Numerics numerics =
        new Numerics(
            kind(spec, kernels, experts),
            tolerance,
            tolerance,
            placement.device(),
            "ONNX Runtime " + runtime.version() + ", " + target.provider(),
            own.precision().toString(),
            notes);
    return Loader.load(
        spec,
        new Opener(
            weights,
            runtime,
            target,
            kernels,
            own.threads(),
            own.precision().products(),
            target.isCpu() ? runtime.crew() : Crew.alone()),
        experts.form(),
        numerics,
        halves,
        graphs == Graphs.LARGE);
  }

  private static Numerics.Kind kind(ModelSpec spec, Kernels kernels, Experts experts) {
    if (kernels != Kernels.CPU) {
      return Numerics.Kind.TOLERANT;
    }
    String processor = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
    boolean measured = processor.equals("amd64") || processor.equals("x86_64");
    boolean alone = experts != Experts.FUSED && Dependence.of(spec).compareTo(Dependence.BATCH) < 0;
    return measured && alone
        ? Numerics.Kind.BITWISE_BATCH_INVARIANT
        : Numerics.Kind.BITWISE_REPEATABLE;
  }

  private static List<Unsupported> tooLarge(ModelSpec spec) {
    List<Unsupported> parts = new ArrayList<>();
    for (Parameter parameter : spec.parameters()) {
      if (parameter.elements() > Graph.MOST_MESSAGE_BYTES / 4) {
        parts.add(tooLarge(parameter.name(), parameter.elements()));
      }
    }
    graphs(spec)
        .filter(graph -> !graph.fits())
        .map(graph -> tooLarge(graph.name(), graph.messageBytes() / 4))
        .forEach(parts::add);
    return parts;
  }

  /** Returns what a precision cannot compute. */
  private static List<Unsupported> beyond(OnnxOptions options, ModelSpec spec) {
    if (options.precision() != Precision.INT8) {
      return List.of();
    }
    List<Unsupported> parts = new ArrayList<>();
    if (!options.device().isCpu()) {
      parts.add(
          new Unsupported(
              OnnxOptions.PRECISION,
              options.precision() + " runs on cpu alone, not on " + options.device()));
    }
    graphs(spec)
        .filter(graph -> graph.longestSum() > LONGEST_SUM_OF_8_BITS)
        .map(
            graph ->
                new Unsupported(
                    OnnxOptions.PRECISION,
                    graph.name()
                        + " adds up "
                        + graph.longestSum()
                        + " products, at most "
                        + LONGEST_SUM_OF_8_BITS
                        + " in "
                        + options.precision()))
        .forEach(parts::add);
    return parts;
  }

  private static Stream<Graph> graphs(ModelSpec spec) {
    Map<String, List<Sublayer>> blocks = new LinkedHashMap<>();
    for (StageSpec stage : Cut.of(spec).stages()) {
      for (Visit visit : stage.visits()) {
        visit.blocks().forEach(each -> blocks.put(each.path(), each.block().sublayers()));
      }
    }
    return blocks.entrySet().stream()
        .flatMap(each -> BlockGraphs.of(spec.width(), each.getKey(), each.getValue()).stream())
        .flatMap(Step::graphs);
  }

  private static Unsupported tooLarge(String name, long elements) {
    return new Unsupported(
        name,
        "holds "
            + elements
            + " weights in the message of one graph, at most "
            + Graph.MOST_MESSAGE_BYTES / 4);
  }
}
