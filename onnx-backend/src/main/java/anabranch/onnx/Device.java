package anabranch.onnx;

import anabranch.error.Bounds;
import anabranch.error.DescriptionException;
import java.io.Serializable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a model runs.
 *
 * @param name {@code "cpu"}, or {@code "cuda:"} and the number of a device
 * @param preferred whether the CPU will do where the device cannot be used; else loading fails
 */
public record Device(String name, boolean preferred) implements Serializable {
  private static final String CPU = "cpu";
  private static final String PREFERRED = ":preferred";
  private static final Pattern CUDA = Pattern.compile("cuda:(\\d{1,3})");

  /** Checks the name. */
  public Device {
    Bounds.require(
        name.equals(CPU) || CUDA.matcher(name).matches(),
        "device \"" + name + "\" is neither \"cpu\" nor \"cuda:\" and a number in 0..999");
    Bounds.require(!preferred || !name.equals(CPU), "device \"cpu\" cannot be merely preferred");
  }

  /** Returns the CPU. */
  public static Device cpu() {
    return new Device(CPU, false);
  }

  /**
   * Starts the choice of a CUDA device; say whether it is {@link Cuda#required} or {@link
   * Cuda#preferred}.
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
      return text.endsWith(PREFERRED)
          ? new Device(text.substring(0, text.length() - PREFERRED.length()), true)
          : new Device(text, false);
    } catch (DescriptionException malformed) {
      throw new DescriptionException(
          OnnxOptions.DEVICE + " \"" + text + "\": " + malformed.getMessage(), malformed);
    }
  }

  @Override
  public String toString() {
    return preferred ? name + PREFERRED : name;
  }

  /** A CUDA device, before it is said what happens where it cannot be used. */
  public static final class Cuda {
    private final int number;

    private Cuda(int number) {
      this.number = number;
    }

    /** Returns the device such that loading fails without it, naming what is missing. */
    public Device required() {
      return new Device("cuda:" + number, false);
    }

    /**
     * Returns the device such that the model runs on the CPU without it, and says so in the notes
     * of its {@link anabranch.backend.Numerics}.
     */
    public Device preferred() {
      return new Device("cuda:" + number, true);
    }
  }
}
