package anabranch.conformance.golden;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A few published models agree with what their reference implementations answered. */
class GoldenCommandTest {
  static final Path RECORDED =
      Path.of("src/main/resources", "anabranch", "conformance", "golden", "models");

  @TempDir Path folder;
  private String said = "";

  private int run(String... arguments) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    int code = GoldenCommand.run(arguments, new PrintStream(bytes, true, StandardCharsets.UTF_8));
    said = bytes.toString(StandardCharsets.UTF_8);
    return code;
  }

  private void says(String part) {
    assertTrue(said.contains(part), "\"" + part + "\" is not in\n" + said);
  }

  @Test
  void recordedModelsAgreeOnTheOracle() throws IOException {
    assertEquals(0, run(RECORDED.toString()), said);
    says(GoldenCommand.models(RECORDED).size() + " models");
    says(" 0 wrong; ");
  }

  @Test
  void aBackendRunsAModelThatIsNamed() throws IOException {
    String model = RECORDED.resolve("hash_layer_ffn").toString();
    assertEquals(0, run(model, "--backend", "reference"), said);
    says("1 models");
  }

  @Test
  void oneChangedWeightIsReported() throws IOException {
    Path model = Tampered.copy(RECORDED.resolve("gpt_oss"), folder);
    Path weights = model.resolve("model.safetensors");
    Tampered.change(weights, "model.layers.1.self_attn.sinks", 2);
    assertEquals(1, run(folder.toString()), said);
    says("WRONG gpt_oss rightpad");
    says("apart");
  }

  @Test
  void oneChangedLogitIsReported() throws IOException {
    Path model = Tampered.copy(RECORDED.resolve("gpt_oss"), folder);
    Tampered.change(model.resolve("golden.safetensors"), "rightpad.logits", 0);
    assertEquals(1, run(folder.toString()), said);
    says("WRONG gpt_oss rightpad");
    says("rightpad.logits line 0 row 0 are 1.0e-02 apart");
    says("ok    gpt_oss decode");
  }

  @Test
  void oneChangedExpertIsReported() throws IOException {
    Path model = Tampered.copy(RECORDED.resolve("gpt_oss"), folder);
    String key = "decode.step3.trace.model.layers.2.mlp.router.topk_index";
    Tampered.change(model.resolve("golden.safetensors"), key, 1);
    assertEquals(1, run(folder.toString()), said);
    says("experts 1/66");
  }

  @Test
  void oneChangedTokenIsReported() throws IOException {
    Path model = Tampered.copy(RECORDED.resolve("gpt_oss"), folder);
    Tampered.change(model.resolve("golden.safetensors"), "decode.greedy_ids", 11);
    assertEquals(1, run(folder.toString()), said);
    says("tokens 1/12");
  }

  @Test
  void oneChangedDropIsReported() throws IOException {
    Path model = Tampered.copy(RECORDED.resolve("switch_transformers"), folder);
    String router = "cap_one.full.trace.encoder.block.1.layer.1.mlp.router.";
    Path golden = model.resolve("golden.safetensors");
    Tampered.change(golden, router + "expert_onehot_after_capacity", 3);
    assertEquals(1, run(folder.toString()), said);
    says("experts 1/160, drops 1/80");
  }

  @Test
  void oneChangedSkipIsReported() throws IOException {
    Path model = Tampered.copy(RECORDED.resolve("mindskip_llama"), folder);
    String key = "b4.trace.model.layers.2.attention_executed";
    Tampered.change(model.resolve("golden.safetensors"), key, 1);
    assertEquals(1, run(folder.toString()), said);
    says("skips 9/108");
  }

  @Test
  void oneChangedExitIsReported() throws IOException {
    Path model = Tampered.copy(RECORDED.resolve("pabee_bert"), folder);
    Path golden = model.resolve("golden.safetensors");
    Tampered.change(golden, "patience2.layers_run", 4);
    Tampered.change(golden, "batch.patience1.layers_run", 0);
    assertEquals(1, run(folder.toString()), said);
    says("WRONG pabee_bert case4");
    says("exits 1/3");
    says("WRONG pabee_bert batch");
    says("exits 1/2");
    says("ok    pabee_bert case3");
  }

  @Test
  void oneChangedRowOfALayerIsReported() throws IOException {
    Path model = Tampered.copy(RECORDED.resolve("acm_mlp"), folder);
    Path golden = model.resolve("golden.safetensors");
    Tampered.change(golden, "a.blocks3.out", 40);
    Tampered.change(golden, "one.choice", 0);
    assertEquals(1, run(folder.toString()), said);
    says("a.blocks3.out line 0 row 1 are 1.0e-02 apart");
    says("experts 1/1");
  }

  @Test
  void paddingIsNotCompared() throws IOException {
    Path model = Tampered.copy(RECORDED.resolve("gpt_oss"), folder);
    Path golden = model.resolve("golden.safetensors");
    int lastOfShortLine = 3 * 10 * 96 - 1;
    Tampered.change(golden, "rightpad.logits", lastOfShortLine);
    assertEquals(0, run(folder.toString()), said);
  }

  @Test
  void modelsThatCannotBeOpenedAreReportedBesideOthers() throws IOException {
    Path broken = folder.resolve("broken");
    Path model = Tampered.copy(RECORDED.resolve("gpt_oss"), broken);
    Tampered.delete(model.resolve("model.safetensors"));
    Tampered.copy(RECORDED.resolve("gpt_oss"), folder);
    assertEquals(1, run(broken.toString()), said);
    says("WRONG gpt_oss");
    says("model.safetensors");
    assertEquals(0, run(folder.resolve("gpt_oss").toString()), said);
  }

  @Test
  void aModelWithoutARecordingIsReported() throws IOException {
    Path model = Tampered.copy(RECORDED.resolve("gpt_oss"), folder);
    Tampered.delete(model.resolve("golden.safetensors"));
    assertEquals(1, run(folder.toString()), said);
    says("golden.safetensors: there is no such file");
  }

  @Test
  void aFolderWithoutModelsIsNoSuccess() throws IOException {
    assertEquals(1, run(folder.toString()));
    says("0 models");
    assertThrows(IllegalArgumentException.class, () -> run(folder.resolve("none").toString()));
    assertThrows(IllegalArgumentException.class, () -> run("--backend"));
  }
}
