package anabranch.onnx;

import anabranch.error.Bounds;
import anabranch.error.DescriptionException;
import java.io.Serializable;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a model runs.
 *
 * @param name {@code "cpu"}, or {@code "cuda:"} and the number of a device
 * @param demand what happens where the device cannot be used
 */
public record Device(String name, Demand demand) implements Serializable {
  private static final String CPU = "cpu";
  private static final Pattern CUDA = Pattern.compile("cuda:(\\d{1,3})");

  /** What happens where a device, or an operator on it, cannot be used. */
  public enum Demand {
    /** Loading fails without the device; what it has no operator for runs on the CPU. */
    REQUIRED,
    /** The model runs on the CPU where the device cannot be used. */
    PREFERRED,
    /** Loading fails without the device, and where an operator would run on the CPU. */
    STRICT;

    private String suffix() {
      return this == REQUIRED ? "" : ":" + name().toLowerCase(Locale.ROOT);
    }
  }

  /** Checks the name. */
  public Device {
    Bounds.require(
        name.equals(CPU) || CUDA.matcher(name).matches(),
        "device \"" + name + "\" is neither \"cpu\" nor \"cuda:\" and a number in 0..999");
    Bounds.require(
        demand == Demand.REQUIRED || !name.equals(CPU),
        "device \"cpu\" is always there, so it cannot be " + demand.suffix());
  }

  /** Returns the CPU. */
  public static Device cpu() {
    return new Device(CPU, Demand.REQUIRED);
  }

  /**
   * Starts the choice of a CUDA device; say whether it is {@link Cuda#required}, {@link
   * Cuda#preferred} or {@link Cuda#strict}.
   *
   * @param number the device, from 0 on
   */
  public static Cuda cuda(int number) {
    return new Cuda(Bounds.within("device.cuda", number, 0, 999));
  }

  /** Returns whether this is the CPU. */
  public boolean isCpu() {
    return name.equals(CPU);
  }

  /** Returns the number of the CUDA device. */
  int number() {
    Matcher matcher = CUDA.matcher(name);
    if (!matcher.matches()) {
      throw new AssertionError(name);
    }
    return Integer.parseInt(matcher.group(1));
  }

  /** Reads what {@link #toString} writes. */
  static Device parse(String text) {
    try {
      for (Demand demand : List.of(Demand.PREFERRED, Demand.STRICT)) {
        if (text.endsWith(demand.suffix())) {
          return new Device(text.substring(0, text.length() - demand.suffix().length()), demand);
        }
      }
      return new Device(text, Demand.REQUIRED);
    } catch (DescriptionException malformed) {
      throw new DescriptionException(
          OnnxOptions.DEVICE + " \"" + text + "\": " + malformed.getMessage(), malformed);
    }
  }

  @Override
  public String toString() {
    return name + demand.suffix();
  }

  /** A CUDA device, before it is said what happens where it cannot be used. */
  public static final class Cuda {
    private final int number;

    private Cuda(int number) {
      this.number = number;
    }

    /**
     * Returns the device such that loading fails without it, naming what is missing. Graphs with an
     * operator that the device lacks run it on the CPU, and the notes of the model's {@link
     * anabranch.backend.Numerics} name them.
     */
    public Device required() {
      return new Device("cuda:" + number, Demand.REQUIRED);
    }

    /**
     * Returns the device such that loading fails without it, or if any operator would not run on
     * it.
     */
    public Device strict() {
      return new Device("cuda:" + number, Demand.STRICT);
    }

    /**
     * Returns the device such that the model runs on the CPU without it, and says so in the notes
     * of its {@link anabranch.backend.Numerics}.
     */
    public Device preferred() {
      return new Device("cuda:" + number, Demand.PREFERRED);
    }
  }
}
