package anabranch.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.error.AnabranchException;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Latent;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.plan.Exit;
import anabranch.model.position.Rotary;
import anabranch.model.route.Capacity;
import anabranch.weights.DType;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Safetensors;
import anabranch.weights.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest {
  @TempDir Path folder;

  @Test
  void aTensorInOrderIsAPartOfTheMappedFile() {
    try (Checkpoint checkpoint = Checkpoint.open(Sample.of("granitemoe").in(folder))) {
      assertTrue(checkpoint.weights().tensor("embedding.tokens").bytes().isDirect());
      String halved = "blocks.1.mixture.experts.3.up.weight";
      assertTrue(checkpoint.weights().tensor(halved).bytes().isDirect());
      assertEquals(List.of(20, 32), checkpoint.weights().tensor(halved).shape());
    }
  }

  @Test
  void everySecondColumnOfATransposeIsTheExpertsRow() {
    Sample sample = Sample.of("gpt_oss");
    try (Checkpoint checkpoint = Checkpoint.open(sample.in(folder))) {
      float[] up =
          Sample.numbers(checkpoint.weights().tensor("blocks.2.mixture.experts.5.up.weight"));
      float[] fused = published(sample, "model.layers.2.mlp.experts.gate_up_proj");
      for (int row = 0; row < 24; row++) {
        for (int column = 0; column < 32; column++) {
          assertEquals(fused[(5 * 32 + column) * 48 + 2 * row + 1], up[row * 32 + column]);
        }
      }
    }
  }

  @Test
  void tokenTypeZeroIsAddedToEveryPosition() {
    Sample sample = Sample.of("pabee");
    try (Checkpoint checkpoint = Checkpoint.open(sample.in(folder))) {
      float[] positions = Sample.numbers(checkpoint.weights().tensor("embedding.positions"));
      float[] alone = published(sample, "bert.embeddings.position_embeddings.weight");
      float[] type = published(sample, "bert.embeddings.token_type_embeddings.weight");
      for (int i = 0; i < positions.length; i++) {
        assertEquals(alone[i] + type[i % 32], positions[i]);
      }
    }
  }

  @Test
  void settingsChooseExitsThatShareNormAndHead() {
    Sample.of("llama").in(folder);
    assertEquals(List.of(), exits(CheckpointOptions.defaults()));
    assertEquals(
        List.of("exit1", "exit2", "exit3", "exit4", "exit5"),
        exits(CheckpointOptions.defaults().with("exits", "all")));
    try (Checkpoint checkpoint =
        Checkpoint.open(folder, CheckpointOptions.defaults().with("exits", "all"))) {
      assertArrayEquals(
          Sample.numbers(checkpoint.weights().tensor("head.weight")),
          Sample.numbers(checkpoint.weights().tensor("exits.exit3.weight")));
    }
  }

  @Test
  void settingsChooseWhetherCapacitiesHold() {
    Sample.of("switch_transformers").in(folder);
    assertTrue(capacity("published") instanceof Capacity.Limited);
    assertEquals(new Capacity.Unlimited(), capacity("none"));
  }

  @Test
  void unknownSettingsAndValuesAreRefusedWithTheAllowedOnes() {
    Sample.of("llama").in(folder);
    refused(
        "setting \"exits\" \"some\" is not one of [none, all]",
        CheckpointOptions.defaults().with("exits", "some"));
    refused(
        "setting \"depth\" is not one of those of the family \"llama\": [exits]",
        CheckpointOptions.defaults().with("depth", "2"));
  }

  @Test
  void aFamilyThatIsNotNamedIsAskedFor() {
    Sample sample = Sample.of("acm");
    sample.in(folder);
    Sample.write(
        folder.resolve("config.json"),
        "{\"hidden_dim\": 32, \"block_dim\": 10, \"num_blocks\": 4, \"activation\": \"gelu\","
            + " \"bias\": true}");
    refused("field \"model_type\" is missing", CheckpointOptions.defaults());
    try (Checkpoint checkpoint =
        Checkpoint.open(folder, CheckpointOptions.defaults().withFamily("acm"))) {
      assertEquals("acm", checkpoint.family());
    }
    refused("family \"acme\" is not one of", CheckpointOptions.defaults().withFamily("acme"));
  }

  @Test
  void unknownModelsAndActivationsAreRefusedByName() {
    Sample.of("mixtral").with("model_type", "mistral").in(folder);
    refused("config.json: field \"model_type\" \"mistral\" is not one of [acm_mlp, bert,");
    Sample.of("mixtral").with("hidden_act", "mish").in(folder);
    refused("config.json: field \"hidden_act\" \"mish\" is not one of [silu, swish,");
    Sample.of("pabee").with("architectures", List.of("BertModel")).in(folder);
    refused("\"architectures\" [\"BertModel\"] are those of no family");
  }

  @Test
  void aDescriptionThatCannotExistNamesTheFieldsItWasMadeOf() {
    Sample.of("mixtral").with("num_key_value_heads", 3).in(folder);
    refused("attention.keyValueHeads 3 does not divide heads 4");
    refused("num_attention_heads 4, num_key_value_heads 3");
    Sample.of("mixtral").with("vocab_size", "96").in(folder);
    refused("vocabulary \"96\" is not a whole number of 32 bits (made of vocab_size \"96\")");
  }

  @Test
  void aFieldThatMustHaveAValueIsRefusedWithAnother() {
    Sample.of("qwen3_moe").with("use_sliding_window", true).in(folder);
    refused("config.json: field \"use_sliding_window\" true is not false");
    Sample.of("glm4_moe").with("hidden_size", null).in(folder);
    refused("hidden_size");
  }

  @Test
  void countsOfAbsurdSizeAreRefusedBeforeAnythingIsMade() {
    Sample.of("mixtral").with("num_hidden_layers", 2_000_000_000).in(folder);
    refused("2000000000 is not at most 65536");
    Sample.of("mixtral").with("num_local_experts", 65_000).in(folder);
    refused("model.layers.0.block_sparse_moe.experts.8.w1.weight");
  }

  @Test
  void missingMisshapenAndSurplusTensorsAreNamed() {
    Sample sample = Sample.of("olmoe");
    sample.without("model.layers.1.mlp.experts.7.up_proj.weight").in(folder);
    refused(
        "tensor \"model.layers.1.mlp.experts.7.up_proj.weight\" is missing; the nearest name is"
            + " \"model.layers.0.mlp.experts.7.up_proj.weight\"");
    sample.shaped("model.norm.weight", List.of(33)).in(folder);
    refused("tensor \"model.norm.weight\" has the shape [33] instead of [32]");
    sample.shaped("model.layers.3.mlp.gate.weight", List.of(16, 32)).in(folder);
    refused("tensor \"model.layers.3.mlp.gate.weight\" has no place in the family \"olmoe\"");
  }

  @Test
  void aSlicedTensorThatHasMoreThanWasTakenIsRefused() {
    String fused = "model.layers.1.block_sparse_moe.input_linear.weight";
    Sample.of("granitemoe").shaped(fused, List.of(9, 40, 32)).in(folder);
    refused("tensor \"" + fused + "\" has the shape [9, 40, 32] instead of [8, 40, 32]");
  }

  @Test
  void tiedWeightsAreOneTensorOrTwoEqualOnes() {
    Sample tied = Sample.of("mixtral").with("tie_word_embeddings", true);
    tied.in(folder);
    refused("tensor \"lm_head.weight\" is not the same as \"model.embed_tokens.weight\"");
    List<Tensor> tensors = new ArrayList<>(tied.tensors());
    tensors.removeIf(each -> each.name().equals("lm_head.weight"));
    Safetensors.write(folder.resolve("model.safetensors"), tensors);
    assertTied();
    Tensor table =
        tensors.stream().filter(t -> t.name().startsWith("model.embed")).findAny().orElseThrow();
    tensors.add(new Tensor("lm_head.weight", DType.F32, table.shape(), table.bytes()));
    Safetensors.write(folder.resolve("model.safetensors"), tensors);
    assertTied();
    tensors.removeIf(each -> each.name().equals("lm_head.weight"));
    Sample.of("mixtral").without("lm_head.weight").in(folder);
    refused("tensor \"lm_head.weight\" is missing");
  }

  @Test
  void weightsOfAClosedCheckpointAreNotUsed() {
    Checkpoint checkpoint = Checkpoint.open(Sample.of("acm").in(folder));
    checkpoint.close();
    checkpoint.close();
    assertThrows(IllegalStateException.class, () -> checkpoint.weights().names());
  }

  @Test
  void aLayerWithoutAModelIsReadThroughAnIdentity() {
    try (Checkpoint checkpoint = Checkpoint.open(Sample.of("acm").in(folder))) {
      float[] identity = Sample.numbers(checkpoint.weights().tensor("head.weight"));
      for (int i = 0; i < identity.length; i++) {
        assertEquals(i / 32 == i % 32 ? 1 : 0, identity[i]);
      }
    }
  }

  @Test
  void windowsAlternateAsTheConfigurationSays() {
    try (Checkpoint checkpoint = Checkpoint.open(Sample.of("gpt_oss").in(folder))) {
      List<Integer> windows = new ArrayList<>();
      checkpoint
          .spec()
          .plan()
          .blocks()
          .forEach(block -> windows.add(rows((Attention) block.operations().get(0))));
      assertEquals(6, windows.get(0));
      assertSame(null, windows.get(1));
      assertEquals(6, windows.get(2));
    }
  }

  /** Of factor 4 with 0.707 and 0.6: angles grow by the quotient, scores by the second, squared. */
  @Test
  void factorsOnLongPositionsScaleAnglesAndScores() {
    try (Checkpoint checkpoint = Checkpoint.open(Sample.of("deepseek_v2").in(folder))) {
      Attention attention =
          (Attention) checkpoint.spec().plan().blocks().get(0).operations().get(0);
      double grow = 0.1 * 0.707 * Math.log(4) + 1;
      double shrink = 0.1 * 0.6 * Math.log(4) + 1;
      assertEquals(shrink * shrink / Math.sqrt(12), attention.scale(), 1e-15);
      Rotary.Yarn yarn = (Rotary.Yarn) attention.rotary().scaling();
      assertEquals(grow / shrink, yarn.attentionFactor(), 1e-15);
      assertTrue(attention.rotary().interleaved());
      assertEquals(new Latent(null, 8, 4, 8, new Norm.Rms(1e-6)), attention.latent());
    }
  }

  private static @Nullable Integer rows(Attention attention) {
    return attention.window() == null ? null : attention.window().rows();
  }

  private void assertTied() {
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertArrayEquals(
          Sample.numbers(checkpoint.weights().tensor("embedding.tokens")),
          Sample.numbers(checkpoint.weights().tensor("head.weight")));
    }
  }

  private List<String> exits(CheckpointOptions options) {
    try (Checkpoint checkpoint = Checkpoint.open(folder, options)) {
      return checkpoint.spec().plan().exits().stream().map(Exit::id).toList();
    }
  }

  private Capacity capacity(String value) {
    try (Checkpoint checkpoint =
        Checkpoint.open(folder, CheckpointOptions.defaults().with("capacity", value))) {
      Mixture mixture =
          (Mixture)
              checkpoint.spec().plan().blocks().get(1).operations().stream()
                  .filter(Mixture.class::isInstance)
                  .findAny()
                  .orElseThrow();
      return mixture.router().capacity();
    }
  }

  private static float[] published(Sample sample, String name) {
    return Sample.numbers(MemoryWeights.of(sample.tensors()).tensor(name));
  }

  private void refused(String part) {
    refused(part, CheckpointOptions.defaults());
  }

  private void refused(String part, CheckpointOptions options) {
    AnabranchException refusal =
        assertThrows(AnabranchException.class, () -> Checkpoint.open(folder, options).close());
    String message = String.valueOf(refusal.getMessage());
    assertTrue(message.startsWith(folder.toString()), message);
    assertTrue(message.contains(part), message);
    assertFalse(message.length() > 2000, message);
  }
}
