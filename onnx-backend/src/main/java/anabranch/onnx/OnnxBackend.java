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
import anabranch.onnx.graph.BlockGraphs;
import anabranch.onnx.graph.Step;
import anabranch.onnx.run.Loader;
import anabranch.onnx.session.NativeRuntime;
import anabranch.onnx.session.Opener;
import anabranch.onnx.session.Session;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Runs models with ONNX Runtime, in fp32. Stateless and thread-safe.
 *
 * <p>On x86-64 CPUs a row's numbers have the same bits in any batch, with any number of threads and
 * however a sequence is cut into calls, unless the description lets items compete; other processors
 * repeat the bits of the same batch.
 */
public final class OnnxBackend implements Backend {
  /** The name that selects this backend. */
  public static final String NAME = "onnx";

  private static final long MOST_GRAPH_BYTES = Integer.MAX_VALUE - (1 << 20);
  private static final double TOLERANCE = 2e-5;

  /** Where keys and values have 11 bits: of answers, and of what decisions go by. */
  private static final double TOLERANCE_OF_HALVES = 1e-2;

  /** Creates the backend; nothing native is touched before a model is checked. */
  public OnnxBackend() {}

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public List<Unsupported> check(ModelSpec spec, LoadOptions options) {
    List<Unsupported> parts = new ArrayList<>(options.refusals(spec));
    parts.addAll(OnnxOptions.unknown(options));
    parts.addAll(tooLarge(spec));
    try {
      OnnxOptions own = OnnxOptions.from(options);
      NativeRuntime runtime = NativeRuntime.get(own.threads());
      String failure = failure(own.device(), runtime);
      if (failure != null && !own.device().preferred()) {
        parts.add(new Unsupported(OnnxOptions.DEVICE, own.device().name() + ": " + failure));
      }
    } catch (DescriptionException malformed) {
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
    String failure = failure(own.device(), runtime);
    boolean cpu = own.device().isCpu() || failure != null;
    int device = cpu ? Session.CPU : own.device().number();
    List<String> notes = new ArrayList<>(runtime.notes(own.threads()));
    notes.addAll(options.notes(spec));
    if (failure != null) {
      notes.add("runs on the CPU, because " + own.device().name() + " cannot be used: " + failure);
    }
    boolean halves = own.state() == KeptNumbers.FP16;
    if (halves) {
      notes.add("sequences keep keys and values in fp16");
    }
    Numerics numerics = numerics(spec, cpu ? "cpu" : own.device().name(), cpu, halves, notes);
    Opener opener = new Opener(weights, runtime, device, own.threads());
    return Loader.load(spec, opener, numerics, halves);
  }

  private static @Nullable String failure(Device device, NativeRuntime runtime) {
    return device.isCpu() ? null : runtime.cudaFailure(device.number());
  }

  private static Numerics numerics(
      ModelSpec spec, String device, boolean cpu, boolean halves, List<String> notes) {
    Numerics.Kind kind = Numerics.Kind.TOLERANT;
    if (cpu) {
      String processor = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
      boolean measured = processor.equals("amd64") || processor.equals("x86_64");
      boolean alone = Dependence.of(spec).compareTo(Dependence.BATCH) < 0;
      kind =
          measured && alone
              ? Numerics.Kind.BITWISE_BATCH_INVARIANT
              : Numerics.Kind.BITWISE_REPEATABLE;
    } else {
      notes.add("an operator without a CUDA kernel runs on the CPU");
    }
    double off = halves ? TOLERANCE_OF_HALVES : TOLERANCE;
    return new Numerics(kind, off, off, device, "fp32", notes);
  }

  private static List<Unsupported> tooLarge(ModelSpec spec) {
    List<Unsupported> parts = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (Parameter parameter : spec.parameters()) {
      if (parameter.elements() > MOST_GRAPH_BYTES / 4) {
        parts.add(tooLarge(parameter.name(), parameter.elements()));
      }
    }
    for (StageSpec stage : Cut.of(spec).stages()) {
      for (Visit visit : stage.visits()) {
        for (Visit.Member member : visit.blocks()) {
          if (seen.add(member.path())) {
            BlockGraphs.of(spec.width(), member.path(), member.block().sublayers()).stream()
                .flatMap(Step::graphs)
                .filter(graph -> graph.weightBytes() > MOST_GRAPH_BYTES)
                .map(graph -> tooLarge(graph.name(), graph.weightBytes() / 4))
                .forEach(parts::add);
          }
        }
      }
    }
    return parts;
  }

  private static Unsupported tooLarge(String name, long elements) {
    return new Unsupported(
        name, "has " + elements + " weights in one graph, at most " + MOST_GRAPH_BYTES / 4);
  }
}
