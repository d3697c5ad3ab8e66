package anabranch.onnx.graph;

import anabranch.model.layer.Attention;
import anabranch.model.layer.Latent;
import anabranch.model.layer.RoutedHeads;
import anabranch.model.position.Distances;
import org.jspecify.annotations.Nullable;

/**
 * What the core of an attention depends on: attentions of one shape share one.
 *
 * <p>Latent keys and values are asked as they are kept, in one group: queries are brought to the
 * length of the short vector, and what a head reads from it becomes its values afterwards, so that
 * a sequence keeps short vectors alone and a step does not make keys of all rows anew.
 *
 * @param heads how many ask
 * @param groups how many heads keys have
 * @param width of one head's query and key
 * @param result of what one head reads
 * @param values whether there are values beside the keys; else they are the keys' first numbers
 * @param causal whether rows read themselves and earlier rows alone
 * @param counts whether keys may stand for several rows
 * @param scale of products
 * @param sinks whether each head has one
 * @param distances for which numbers are added; null for none
 */
public record CoreShape(
    int heads,
    int groups,
    int width,
    int result,
    boolean values,
    boolean causal,
    boolean counts,
    double scale,
    boolean sinks,
    @Nullable Distances distances) {
  /** Returns the shape of an attention. */
  public static CoreShape of(Attention attention) {
    return of(attention, false);
  }

  /** Returns the shape of an attention whose keys may stand for several rows, or do not. */
  public static CoreShape of(Attention attention, boolean counts) {
    Attention.Scores scores = attention.scores();
    Latent latent = attention.latent();
    RoutedHeads routed = attention.routed();
    return new CoreShape(
        attention.heads() * (routed == null ? 1 : routed.k()),
        latent == null ? attention.keyValueHeads() : 1,
        latent == null ? attention.headWidth() : latent.kept(),
        latent == null ? attention.headWidth() : latent.rank(),
        latent == null,
        attention.mask() == Attention.Mask.CAUSAL,
        counts,
        attention.scale(),
        scores != null && scores.sinks(),
        scores == null ? null : scores.distances());
  }

  /** Returns how many heads ask the same keys. */
  public int sharing() {
    return heads / groups;
  }

  /** Returns the length of a row's queries. */
  public int queryWidth() {
    return heads * width;
  }

  /** Returns the length of a row's keys. */
  public int keyWidth() {
    return groups * width;
  }

  /** Returns the length of a row's values; 0 where they are part of the keys. */
  public int valueWidth() {
    return values ? groups * result : 0;
  }

  /** Returns the length of what the heads of a row read. */
  public int resultWidth() {
    return heads * result;
  }

  /** Returns whether something is added to scores. */
  public boolean masked() {
    return causal || counts || byHead();
  }

  /** Returns whether each head has additions of its own. */
  boolean byHead() {
    return sinks || distances != null;
  }
}
