package anabranch.conformance.reference;

import anabranch.backend.Rows;
import anabranch.backend.Span;
import anabranch.backend.Stage;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.conformance.reference.block.BlockPart;
import anabranch.conformance.reference.part.EmbeddingPart;
import anabranch.conformance.reference.part.Parameters;
import anabranch.conformance.reference.pass.Memory;
import anabranch.conformance.reference.pass.Pass;
import anabranch.conformance.reference.pass.Row;
import anabranch.conformance.reference.pass.Trail;
import anabranch.conformance.reference.pass.Way;
import anabranch.model.Encoder;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Point;
import anabranch.model.facts.StageSpec;
import anabranch.model.facts.Visit;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.Skip;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One stage of the reference backend. Thread-safe: a call keeps everything on its own stack. */
final class ReferenceStage implements Stage {
  final StageSpec spec;
  final PointPart point;
  private final ReferenceModel model;
  private final @Nullable EmbeddingPart embedding;
  private final List<List<BlockPart>> visits = new ArrayList<>();
  private final boolean shares;

  ReferenceStage(
      ReferenceModel model, StageSpec spec, Map<String, BlockPart> blocks, Parameters parameters) {
    this.model = model;
    this.spec = spec;
    ModelSpec whole = model.spec();
    Encoder encoder = whole.encoder();
    boolean encodes = spec.encoder() && encoder != null;
    Input input = encodes ? encoder.input() : whole.input();
    embedding =
        !spec.embeds()
            ? null
            : encodes
                ? new EmbeddingPart(input, encoder.embedding(), "encoder.embedding", parameters)
                : new EmbeddingPart(input, whole.embedding(), "embedding", parameters);
    for (Visit visit : spec.visits()) {
      List<BlockPart> members = new ArrayList<>();
      for (Visit.Member member : visit.blocks()) {
        members.add(
            blocks.computeIfAbsent(
                member.path(),
                path -> new BlockPart(member.block(), path, member.index(), parameters)));
      }
      visits.add(members);
    }
    Point at = spec.point();
    point =
        at instanceof Point.AtChoice choice
            ? PointPart.of(choice.choice(), at.path(), input.maxLength(), parameters)
            : at instanceof Point.AtPrune prunes
                ? PointPart.of(prunes.prune(), at.path(), input.maxLength(), parameters)
                : PointPart.of(
                    at.pool(), at.score(), at.head(), at.path(), input.maxLength(), parameters);
    shares =
        spec.frozen() == Bypass.FREEZE_SHARE_KV
            || spec.blocks().stream()
                .flatMap(block -> block.operations().stream())
                .anyMatch(o -> o instanceof Skip skip && skip.keys() == Bypass.FREEZE_SHARE_KV);
  }

  /** Returns whether any row may show again here what it showed before. */
  boolean shares() {
    return shares;
  }

  /** Returns whether rows take along what they showed, for stages behind this one. */
  boolean carries() {
    return model.shares();
  }

  /** Returns the place of the attention that rows pass last in a slot; null for none. */
  @Nullable String lastAttention(int slot) {
    String last = null;
    for (int visit = 0; visit < visits.size(); visit++) {
      for (int member = 0; member < visits.get(visit).size(); member++) {
        for (String path : visits.get(visit).get(member).attentions()) {
          last = place(slot, visit, member) + " " + path;
        }
      }
    }
    return last;
  }

  private static String place(int slot, int visit, int member) {
    return slot + "." + visit + "." + member;
  }

  /** Runs all spans in lock-step; states are written after everything has succeeded. */
  @Override
  public StageResult run(StageBatch batch) {
    model.requireOpen();
    List<@Nullable ReferenceState> states = new ArrayList<>();
    List<Memory> drafts = new ArrayList<>();
    List<Row> rows = new ArrayList<>();
    List<Boolean> scored = new ArrayList<>();
    for (Span span : batch.spans()) {
      ReferenceState state = (ReferenceState) span.state();
      states.add(state);
      drafts.add(state == null ? new Memory(List.of()) : state.draft());
      for (int i = 0; i < span.rows().size(); i++) {
        rows.add(enter(span.rows(), i, drafts.get(drafts.size() - 1), drafts.size() - 1));
        scored.add(span.rows().scored(i) && !span.rows().frozen(i));
      }
    }
    ReferenceResult result = new ReferenceResult(this, batch, rows, scored);
    Trail trail = new Trail(model.attentionBefore(batch.slot()), shares);
    for (int visit = 0; visit < visits.size(); visit++) {
      List<Pass> passes = new ArrayList<>();
      for (int member = 0; member < visits.get(visit).size(); member++) {
        String place = place(batch.slot(), visit, member);
        int block = visits.get(visit).get(member).index;
        passes.add(new Pass(rows, trail, place, block, (path, row) -> null));
      }
      BlockPart.visit(visits.get(visit), passes);
      result.trace(visit, passes);
    }
    result.judge();
    for (int span = 0; span < states.size(); span++) {
      ReferenceState state = states.get(span);
      if (state != null) {
        state.publish(drafts.get(span), batch.spans().get(span).rows());
      }
    }
    return result;
  }

  private Row enter(Rows rows, int i, Memory memory, int span) {
    Row row = new Row(memory, span, rows.event(i), rows.position(i));
    if (embedding == null) {
      Hidden.of(rows, i).fill(row, rows.index(i));
    } else {
      row.embed(embedding);
    }
    row.entered = row.x;
    if (rows.frozen(i)) {
      row.way = spec.frozen() == Bypass.FREEZE_SHARE_KV ? Way.SHARE : Way.PROJECT;
    }
    return row;
  }
}
