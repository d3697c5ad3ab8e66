package anabranch.conformance.reference.block;

import anabranch.conformance.reference.part.Arithmetic;
import anabranch.conformance.reference.part.Parameters;
import anabranch.conformance.reference.pass.Pass;
import anabranch.conformance.reference.pass.Row;
import anabranch.conformance.reference.pass.Way;
import anabranch.model.layer.Block;
import java.util.ArrayList;
import java.util.List;

/** A block with its weights. Immutable. */
public final class BlockPart {
  /** The block's number in its plan. */
  public final int index;

  private final List<SublayerPart> sublayers;

  /** Reads the weights under {@code path}. */
  public BlockPart(Block block, String path, int index, Parameters parameters) {
    this.index = index;
    sublayers = SublayerPart.of(block.sublayers(), path, parameters);
  }

  /** Returns the paths of the attentions whose rows show keys and values, in order. */
  public List<String> attentions() {
    return sublayers.stream().flatMap(s -> s.operation.attentions().stream()).toList();
  }

  /** Returns the vectors behind this block, {@code [rows, width]}. */
  public double[][] of(Pass pass) {
    return of(pass, pass.ways());
  }

  double[][] of(Pass pass, Way[] ways) {
    double[][] x = pass.vectors();
    for (SublayerPart sublayer : sublayers) {
      x = sublayer.pass(pass, x, ways);
    }
    return x;
  }

  /**
   * Rule A10: runs blocks on the same rows and gives these the mean of the results, summed in list
   * order.
   *
   * @param passes one for each block, on the same rows
   */
  public static void visit(List<BlockPart> blocks, List<Pass> passes) {
    List<double[][]> results = new ArrayList<>();
    for (int b = 0; b < blocks.size(); b++) {
      results.add(blocks.get(b).of(passes.get(b)));
    }
    List<Row> rows = passes.get(0).rows;
    for (int row = 0; row < rows.size(); row++) {
      int at = row;
      if (rows.get(row).way == Way.RUN) {
        rows.get(row).x = Arithmetic.mean(results.stream().map(each -> each[at]).toList());
      }
    }
  }
}
