package anabranch.onnx;

import anabranch.backend.LoadOptions;
import anabranch.error.Bounds;
import anabranch.error.DescriptionException;
import anabranch.error.Unsupported;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;

/**
 * Options of this backend, which travel as settings of {@link LoadOptions}.
 *
 * @param device where models run; setting {@code "onnx.device"}
 * @param threads threads for one call, all models of the JVM together: they share what a router
 *     picked member by member, and other products in parts; the first load decides; setting {@code
 *     "onnx.threads"}
 * @param precision in which numbers products are computed; setting {@code "onnx.precision"}
 * @param experts how the experts of a mixture run; setting {@code "onnx.experts"}
 * @param state in which numbers sequences keep keys and values; setting {@code "onnx.state"}
 * @param graphs how much of a model becomes one graph; setting {@code "onnx.graphs"}
 */
public record OnnxOptions(
    Device device,
    int threads,
    Precision precision,
    Experts experts,
    KeptNumbers state,
    Graphs graphs)
    implements Serializable {
  static final String DEVICE = "onnx.device";
  static final String THREADS = "onnx.threads";
  static final String PRECISION = "onnx.precision";
  static final String EXPERTS = "onnx.experts";
  static final String STATE = "onnx.state";
  static final String GRAPHS = "onnx.graphs";
  private static final String PREFIX = "onnx.";
  private static final List<String> NAMES =
      List.of(DEVICE, THREADS, PRECISION, EXPERTS, STATE, GRAPHS);
  private static final int MOST_THREADS = 1024;

  /** Checks the bounds. */
  public OnnxOptions {
    Bounds.within(THREADS, threads, 1, MOST_THREADS);
  }

  /** Returns one thread on the CPU, in fp32: hosts such as Flink bring their own parallelism. */
  public static OnnxOptions defaults() {
    return new OnnxOptions(
        Device.cpu(), 1, Precision.FP32, Experts.SINGLE, KeptNumbers.FP32, Graphs.MEASURED);
  }

  /** Returns these options with another device. */
  public OnnxOptions withDevice(Device chosen) {
    return new OnnxOptions(chosen, threads, precision, experts, state, graphs);
  }

  /** Returns these options with that many threads. */
  public OnnxOptions withThreads(int count) {
    return new OnnxOptions(device, count, precision, experts, state, graphs);
  }

  /** Returns these options with another precision. */
  public OnnxOptions withPrecision(Precision chosen) {
    return new OnnxOptions(device, threads, chosen, experts, state, graphs);
  }

  /** Returns these options with experts that run so. */
  public OnnxOptions withExperts(Experts chosen) {
    return new OnnxOptions(device, threads, precision, chosen, state, graphs);
  }

  /** Returns these options with keys and values kept in such numbers. */
  public OnnxOptions withState(KeptNumbers kept) {
    return new OnnxOptions(device, threads, precision, experts, kept, graphs);
  }

  /** Returns these options with graphs so large. */
  public OnnxOptions withGraphs(Graphs chosen) {
    return new OnnxOptions(device, threads, precision, experts, state, chosen);
  }

  /** Returns load options with these settings written into them. */
  public LoadOptions into(LoadOptions options) {
    return options
        .with(DEVICE, device.toString())
        .with(THREADS, Integer.toString(threads))
        .with(PRECISION, precision.toString())
        .with(EXPERTS, experts.toString())
        .with(STATE, state.toString())
        .with(GRAPHS, graphs.toString());
  }

  /**
   * Returns the options that settings say; what they do not say is as in {@link #defaults}.
   *
   * @throws DescriptionException if a value is malformed
   */
  static OnnxOptions from(LoadOptions options) {
    OnnxOptions read = defaults();
    String device = options.settings().get(DEVICE);
    if (device != null) {
      read = read.withDevice(Device.parse(device));
    }
    String threads = options.settings().get(THREADS);
    if (threads != null) {
      try {
        read = read.withThreads(Integer.parseInt(threads));
      } catch (NumberFormatException malformed) {
        throw new DescriptionException(
            THREADS + " \"" + threads + "\" is not a whole number", malformed);
      }
    }
    String precision = options.settings().get(PRECISION);
    if (precision != null) {
      read = read.withPrecision(parse(PRECISION, precision, Precision.values()));
    }
    String experts = options.settings().get(EXPERTS);
    if (experts != null) {
      read = read.withExperts(parse(EXPERTS, experts, Experts.values()));
    }
    String state = options.settings().get(STATE);
    if (state != null) {
      read = read.withState(parse(STATE, state, KeptNumbers.values()));
    }
    String graphs = options.settings().get(GRAPHS);
    return graphs == null ? read : read.withGraphs(parse(GRAPHS, graphs, Graphs.values()));
  }

  /** Reads what the {@code toString} of one of some choices writes. */
  private static <E> E parse(String setting, String text, E[] choices) {
    for (E each : choices) {
      if (each.toString().equals(text)) {
        return each;
      }
    }
    throw new DescriptionException(
        setting + " \"" + text + "\" is not one of " + Arrays.toString(choices));
  }

  /** Returns the settings that look like this backend's and are not. */
  static List<Unsupported> unknown(LoadOptions options) {
    List<Unsupported> unknown = new ArrayList<>();
    for (String name : new TreeSet<>(options.settings().keySet())) {
      if (name.startsWith(PREFIX) && !NAMES.contains(name)) {
        unknown.add(new Unsupported(name, "is not one of the settings " + NAMES));
      }
    }
    return unknown;
  }
}
