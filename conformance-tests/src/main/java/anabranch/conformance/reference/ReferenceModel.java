package anabranch.conformance.reference;

import anabranch.backend.LoadedModel;
import anabranch.backend.Numerics;
import anabranch.backend.Rows;
import anabranch.backend.SequenceState;
import anabranch.backend.Stage;
import anabranch.backend.StateImage;
import anabranch.conformance.reference.block.BlockPart;
import anabranch.conformance.reference.part.NormPart;
import anabranch.conformance.reference.part.Parameters;
import anabranch.conformance.reference.pass.Memory;
import anabranch.model.Encoder;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Dependence;
import anabranch.model.facts.StageSpec;
import anabranch.model.facts.Step;
import anabranch.model.layer.Parameter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Weights bound to a description. */
final class ReferenceModel implements LoadedModel {
  private final ModelSpec spec;
  private final List<String> notes;
  private final String signature;
  private final NormPart memoryNorm;
  private final List<Stage> stages = new ArrayList<>();
  private final Map<Integer, @Nullable String> attentionBefore = new HashMap<>();
  private final boolean shares;
  private volatile boolean closed;

  ReferenceModel(ModelSpec spec, Parameters parameters, List<String> notes) {
    this.spec = spec;
    this.notes = notes;
    signature = signature(spec);
    Encoder encoder = spec.encoder();
    memoryNorm = new NormPart(encoder == null ? null : encoder.norm(), "encoder.norm", parameters);
    Cut cut = Cut.of(spec);
    Map<String, BlockPart> blocks = new HashMap<>();
    List<ReferenceStage> made = new ArrayList<>();
    for (StageSpec stage : cut.stages()) {
      made.add(new ReferenceStage(this, stage, blocks, parameters));
    }
    stages.addAll(made);
    shares = made.stream().anyMatch(ReferenceStage::shares);
    String last = null;
    for (Step step : cut.steps()) {
      last = step.index() == cut.encoderSteps() ? null : last;
      attentionBefore.put(step.index(), last);
      String own = made.get(step.stage().index()).lastAttention(step.index());
      last = own == null ? last : own;
    }
  }

  /** Names what a state must have in common with another: slots, and the numbers in them. */
  private static String signature(ModelSpec spec) {
    StringBuilder facts = new StringBuilder();
    for (Parameter parameter : spec.parameters()) {
      facts.append(parameter.name()).append(parameter.shape());
    }
    facts.append(spec.plan().order()).append(spec.head());
    long hash = 0xcbf29ce484222325L;
    for (int i = 0; i < facts.length(); i++) {
      hash = (hash ^ facts.charAt(i)) * 0x100000001b3L;
    }
    return spec.name() + " reference fp64 " + Long.toHexString(hash);
  }

  @Override
  public ModelSpec spec() {
    return spec;
  }

  @Override
  public Numerics numerics() {
    boolean alone = Dependence.of(spec).compareTo(Dependence.BATCH) < 0;
    Numerics.Kind kind =
        alone ? Numerics.Kind.BITWISE_BATCH_INVARIANT : Numerics.Kind.BITWISE_REPEATABLE;
    return new Numerics(kind, 1e-6, 1e-6, "cpu", "fp64", notes);
  }

  @Override
  public List<Stage> stages() {
    return List.copyOf(stages);
  }

  /** States without memory are for encoders, and for models that have none. */
  @Override
  public SequenceState newState(@Nullable Rows memory) {
    requireOpen();
    List<double[]> rows = new ArrayList<>();
    if (memory != null) {
      if (spec.encoder() == null) {
        throw new IllegalArgumentException(
            "model \"" + spec.name() + "\" has no encoder whose rows could be memory");
      }
      for (int i = 0; i < memory.size(); i++) {
        rows.add(memoryNorm.of(Hidden.of(memory, i).row(memory.index(i))));
      }
    }
    return new ReferenceState(signature, new Memory(rows));
  }

  @Override
  public SequenceState restore(StateImage image) {
    requireOpen();
    return ReferenceState.restore(signature, image);
  }

  /** Returns the place of the attention that a row passes last before a slot; null for none. */
  @Nullable String attentionBefore(int slot) {
    return attentionBefore.get(slot);
  }

  /** Returns whether any row may show again what it showed before. */
  boolean shares() {
    return shares;
  }

  void requireOpen() {
    if (closed) {
      throw new IllegalStateException("model \"" + spec.name() + "\" is closed");
    }
  }

  @Override
  public void close() {
    closed = true;
  }
}
