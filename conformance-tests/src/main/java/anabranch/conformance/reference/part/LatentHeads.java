package anabranch.conformance.reference.part;

import anabranch.conformance.reference.part.AttentionPart.Shown;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Latent;
import anabranch.model.position.Rotary;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Heads that are projected from a short vector of the row. */
final class LatentHeads implements Heads {
  private final int heads;
  private final Latent latent;

  /** How many elements of a head are content. */
  private final int content;

  private final @Nullable RotaryPart rotary;
  private final @Nullable Projection queryDown;
  private final NormPart queryNorm;
  private final Projection query;
  private final Projection down;
  private final NormPart norm;
  private final Projection up;

  LatentHeads(Attention attention, Latent latent, String path, Parameters parameters) {
    this.heads = attention.heads();
    this.latent = latent;
    content = attention.headWidth() - latent.turned();
    Rotary turns = attention.rotary();
    rotary = turns == null ? null : new RotaryPart(turns, latent.turned());
    boolean direct = latent.queryRank() == null;
    queryDown = direct ? null : Projection.read(path + ".q.down", false, parameters);
    queryNorm = new NormPart(direct ? null : latent.norm(), path + ".q.norm", parameters);
    query = Projection.read(path + (direct ? ".q" : ".q.up"), false, parameters);
    down = Projection.read(path + ".kv.down", false, parameters);
    norm = new NormPart(latent.norm(), path + ".kv.norm", parameters);
    up = Projection.read(path + ".kv.up", false, parameters);
  }

  /** Rule A25: of a query, the last elements of each head turn. */
  @Override
  public double[] query(int expert, double[] x, int position) {
    double[] from = queryDown == null ? x : queryNorm.of(queryDown.of(x));
    double[] all = query.of(from); // [heads * (content + turned)]
    int width = content + latent.turned();
    for (int head = 0; head < heads; head++) {
      double[] last = Arrays.copyOfRange(all, head * width + content, (head + 1) * width);
      System.arraycopy(turned(last, position), 0, all, head * width + content, last.length);
    }
    return all;
  }

  /** Rule A25: content and values come from the short vector, what turns is one for all heads. */
  @Override
  public Shown show(double[] x, int position) {
    double[] both = down.of(x); // [rank + turned]
    int rank = latent.rank();
    double[] all = up.of(norm.of(Arrays.copyOf(both, rank))); // [heads * (content + valueWidth)]
    double[] last = turned(Arrays.copyOfRange(both, rank, both.length), position);
    int width = content + last.length;
    double[] key = new double[heads * width];
    double[] value = new double[heads * latent.valueWidth()];
    for (int head = 0; head < heads; head++) {
      int from = head * (content + latent.valueWidth());
      System.arraycopy(all, from, key, head * width, content);
      System.arraycopy(last, 0, key, head * width + content, last.length);
      int each = latent.valueWidth();
      System.arraycopy(all, from + content, value, head * each, each);
    }
    return new Shown(key, value);
  }

  private double[] turned(double[] x, int position) {
    return rotary == null ? x : rotary.of(x, position);
  }
}
