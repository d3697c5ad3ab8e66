package anabranch.onnx.session;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Says in words of whoever runs a machine why CUDA cannot be used: from what ONNX Runtime said and
 * from the CUDA libraries that lie where they are looked for. Immutable; any thread.
 */
final class CudaSetup {
  /** Seen of ONNX Runtime 1.28.0: its provider refers to functions that came with CUDA 12.8. */
  static final String NEEDS =
      "the CUDA provider of ONNX Runtime 1.28.0 needs the libraries of CUDA 12, 12.8 or newer, and"
          + " its driver";

  /** Read of its libraries, never seen: it opens cuDNN when the first operator asks for it. */
  static final String CUDNN =
      "cuDNN 9 for CUDA 12 (libcudnn.so.9), which ONNX Runtime opens when an operator needs it, as"
          + " some reductions may";

  private static final Pattern MISSING =
      Pattern.compile("(lib[\\w-]+\\.so[.\\d]*): cannot open shared object file");
  private static final Pattern SYMBOL = Pattern.compile("undefined symbol: (\\w+)");
  private static final Pattern FAILURE = Pattern.compile("CUDA failure (\\d+): ([^;]*)");
  private static final Pattern DEVICE =
      Pattern.compile("Invalid device ID: (\\d+), must be between 0 \\(inclusive\\) and (\\d+)");
  private static final String RUNTIME = "libcudart.so.";
  private static final String CUDNN_LIBRARY = "libcudnn";
  private static final String DRIVER = "libcuda.so.1";
  private static final int MOST_SAID = 600;

  /** Where packages of a system put libraries; the dynamic linker looks there unasked. */
  private static final List<Path> SYSTEM =
      List.of(
          Path.of("/usr/lib/x86_64-linux-gnu"),
          Path.of("/lib/x86_64-linux-gnu"),
          Path.of("/usr/lib64"),
          Path.of("/usr/local/lib"));

  private final List<Path> folders;
  private final List<Path> system;

  /** Looks into folders. */
  CudaSetup(List<Path> folders) {
    this(folders, List.of());
  }

  private CudaSetup(List<Path> folders, List<Path> system) {
    this.folders = List.copyOf(folders);
    this.system = List.copyOf(system);
  }

  /** Returns the set-up of this process: its library path, and where CUDA is installed by habit. */
  static CudaSetup here() {
    String path = System.getenv("LD_LIBRARY_PATH");
    List<Path> folders = new ArrayList<>();
    if (path != null) {
      Arrays.stream(path.split(":"))
          .filter(each -> !each.isBlank())
          .map(Path::of)
          .forEach(folders::add);
    }
    folders.add(Path.of("/usr/local/cuda/lib64"));
    return new CudaSetup(folders, SYSTEM);
  }

  /**
   * Returns why CUDA cannot be used.
   *
   * @param said what ONNX Runtime said when it was asked for the device
   * @param twoJars what is wrong with the class path; null for nothing
   */
  String explain(String said, @Nullable String twoJars) {
    Matcher missing = MISSING.matcher(said);
    Matcher symbol = SYMBOL.matcher(said);
    Matcher failure = FAILURE.matcher(said);
    Matcher device = DEVICE.matcher(said);
    if (said.contains("Failed to find CUDA shared provider")
        || said.contains("not enabled in this build")) {
      return "this is the CPU build of ONNX Runtime; depend on anabranch-onnx-backend-gpu"
          + (twoJars == null ? "" : "; " + twoJars);
    } else if (missing.find()) {
      if (missing.group(1).startsWith(CUDNN_LIBRARY)) {
        return missing.group(1) + " is not on the library path; it is of " + CUDNN;
      }
      return missing.group(1).equals(DRIVER)
          ? DRIVER
              + ", the NVIDIA driver, is not installed or not visible in this container; "
              + NEEDS
          : missing.group(1) + " is not on the library path; " + NEEDS + found();
    } else if (symbol.find()) {
      return "the CUDA libraries on the library path are too old: they lack "
          + symbol.group(1)
          + "; "
          + NEEDS
          + found();
    } else if (failure.find()) {
      return "CUDA says: " + failure.group(2).strip() + " (" + failure.group(1) + "); " + NEEDS;
    } else if (device.find()) {
      return "there is no device " + device.group(1) + ", only " + device.group(2) + " from 0 on";
    }
    String line = said.strip();
    return (line.length() > MOST_SAID ? line.substring(0, MOST_SAID) + "..." : line) + "; " + NEEDS;
  }

  /**
   * Returns what a report should say of a library that CUDA runs without until an operator asks for
   * it; null where it was seen in a folder.
   */
  @Nullable String withoutCudnn() {
    boolean seen =
        File.separatorChar != '/'
            || Stream.concat(folders.stream(), system.stream())
                .anyMatch(folder -> Files.exists(folder.resolve(CUDNN_LIBRARY + ".so.9")));
    return seen
        ? null
        : CUDNN
            + ", was not seen where libraries are looked for; unless it is elsewhere, such operators"
            + " fail when they run";
  }

  /** Returns which CUDA runtimes there are instead; empty for none. */
  private String found() {
    List<String> runtimes = new ArrayList<>();
    for (Path folder : folders) {
      try (Stream<Path> all = Files.list(folder)) {
        all.filter(file -> file.getFileName().toString().startsWith(RUNTIME))
            .map(CudaSetup::real)
            .distinct()
            .sorted()
            .forEach(file -> runtimes.add(file.getFileName() + " in " + folder));
      } catch (IOException absent) {
        // A folder that is not there holds nothing.
      }
    }
    return runtimes.isEmpty() ? "" : "; found " + String.join(", ", runtimes);
  }

  /** Returns the file that a link such as libcudart.so.12 means, whose name has the release. */
  private static Path real(Path file) {
    try {
      return file.toRealPath();
    } catch (IOException dangling) {
      return file;
    }
  }
}
