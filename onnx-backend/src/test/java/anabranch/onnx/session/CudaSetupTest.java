package anabranch.onnx.session;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What ONNX Runtime says is recorded from release 1.28.0: with its CPU build, with both builds on
 * one class path, and with its GPU build without CUDA, without a driver, beside CUDA 12.6, and with
 * a driver that answered errors 35 and 100 or knew one device.
 */
class CudaSetupTest {
  private static final String LOADING =
      "Error code - ORT_FAIL - message: /onnxruntime_src/onnxruntime/core/session/"
          + "provider_bridge_ort.cc:1988 onnxruntime::Provider& onnxruntime::ProviderLibrary::Get()"
          + " [ONNXRuntimeError] : 1 : FAIL : Failed to load library"
          + " /natives/libonnxruntime_providers_cuda.so with error: ";
  private static final String PARSING =
      "Error code - ORT_FAIL - message: /onnxruntime_src/onnxruntime/core/providers/cuda/"
          + "cuda_execution_provider_info.cc:62 static onnxruntime::CUDAExecutionProviderInfo"
          + " onnxruntime::CUDAExecutionProviderInfo::FromProviderOptions(const"
          + " onnxruntime::ProviderOptions&) [ONNXRuntimeError] : 1 : FAIL :"
          + " provider_options_utils.h:187 Parse Failed to parse provider option \"device_id\": ";
  private static final CudaSetup NOTHING = new CudaSetup(List.of(Path.of("/not/there")));

  @ParameterizedTest
  @CsvSource({
    "libcublasLt.so.12, libcublasLt.so.12 is not on the library path",
    "libcudart.so.12, libcudart.so.12 is not on the library path",
    "libcuda.so.1, the NVIDIA driver"
  })
  void aMissingLibraryIsNamedWithTheReleaseThatIsNeeded(String library, String words) {
    String said =
        LOADING + library + ": cannot open shared object file: No such file or directory\n";
    String reason = NOTHING.explain(said, null);
    assertTrue(reason.contains(words), reason);
    assertTrue(reason.contains("CUDA 12, 12.8 or newer"), reason);
    assertFalse(reason.contains("found"), reason);
  }

  @Test
  void anotherCudaIsNamedWithItsReleaseAndPlace(@TempDir Path folder) throws IOException {
    Files.createFile(folder.resolve("libcudart.so.13.0.96"));
    Files.createSymbolicLink(folder.resolve("libcudart.so.13"), Path.of("libcudart.so.13.0.96"));
    Files.createFile(folder.resolve("libcublas.so.13"));
    String said =
        LOADING + "libcublasLt.so.12: cannot open shared object file: No such file or directory";
    String reason = new CudaSetup(List.of(Path.of("/not/there"), folder)).explain(said, null);
    assertTrue(reason.endsWith("; found libcudart.so.13.0.96 in " + folder), reason);
  }

  @Test
  void librariesThatAreTooOldAreNamedWithWhatTheyLack(@TempDir Path folder) throws IOException {
    Files.createFile(folder.resolve("libcudart.so.12.6.77"));
    String said =
        LOADING
            + "/natives/libonnxruntime_providers_cuda.so: undefined symbol:"
            + " cudaLibraryGetKernel, version libcudart.so.12";
    String reason = new CudaSetup(List.of(folder)).explain(said, null);
    assertTrue(reason.contains("too old: they lack cudaLibraryGetKernel"), reason);
    assertTrue(reason.contains("CUDA 12, 12.8 or newer"), reason);
    assertTrue(reason.endsWith("found libcudart.so.12.6.77 in " + folder), reason);
  }

  @Test
  void whatCudaSaysOfItsDriverIsRepeatedWithoutTheSourceLines() {
    String said =
        PARSING
            + "CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version ;"
            + " GPU=-1 ; hostname=vm ; file=/onnxruntime_src/onnxruntime/core/providers/cuda/"
            + "cuda_execution_provider_info.cc ; line=69 ; expr=cudaGetDeviceCount(&num_devices);";
    String reason = NOTHING.explain(said, null);
    assertTrue(
        reason.startsWith(
            "CUDA says: CUDA driver version is insufficient for CUDA runtime version (35); "),
        reason);
    String none = PARSING + "CUDA failure 100: no CUDA-capable device is detected ; GPU=-1 ;";
    assertTrue(
        NOTHING.explain(none, null).startsWith("CUDA says: no CUDA-capable device is detected (1"));
  }

  @Test
  void aNumberThatNoDeviceHasIsNamedWithTheirCount() {
    String said =
        PARSING
            + "cuda_execution_provider_info.cc:70 operator() Invalid device ID: 999, must be between"
            + " 0 (inclusive) and 1 (exclusive).";
    String reason = NOTHING.explain(said, null);
    assertTrue(reason.startsWith("there is no device 999, only 1 from 0 on"), reason);
  }

  @ParameterizedTest
  @CsvSource({
    "Error code - ORT_EP_FAIL - message: Failed to find CUDA shared provider",
    "Error code - ORT_FAIL - message: CUDA execution provider is not enabled in this build."
  })
  void theCpuBuildNamesTheDependencyThatIsMissingAndASecondJar(String said) {
    String reason = NOTHING.explain(said, null);
    assertTrue(reason.endsWith("; depend on anabranch-onnx-backend-gpu"), reason);
    String both = NOTHING.explain(said, "ONNX Runtime is on the class path 2 times");
    assertTrue(both.endsWith("-gpu; ONNX Runtime is on the class path 2 times"), both);
  }

  /** Nobody has seen what is said of it: the form is that of the other libraries. */
  @Test
  void cudnnIsNamedWithTheCudaThatItIsForAndAsOptional(@TempDir Path folder) throws IOException {
    String reason =
        NOTHING.explain(LOADING + "libcudnn.so.9: cannot open shared object file: No such", null);
    assertTrue(reason.contains("libcudnn.so.9 is not on the library path"), reason);
    assertTrue(reason.contains("cuDNN 9 for CUDA 12"), reason);
    CudaSetup setup = new CudaSetup(List.of(folder));
    String note = setup.withoutCudnn();
    assertNotNull(note);
    assertTrue(note.contains("cuDNN 9 for CUDA 12") && note.contains("when an operator"), note);
    Files.createFile(folder.resolve("libcudnn.so.8"));
    assertNotNull(setup.withoutCudnn());
    Files.createFile(folder.resolve("libcudnn.so.9"));
    assertNull(setup.withoutCudnn());
  }

  @Test
  void whatNobodyExpectedIsRepeatedAndBounded() {
    String reason = NOTHING.explain("x".repeat(5000), null);
    assertTrue(reason.startsWith("xxx") && reason.contains("...; the CUDA provider"), reason);
    assertTrue(reason.length() < 1000, reason);
  }
}
