package anabranch.conformance.reference;

import static anabranch.conformance.reference.Arithmetic.plus;
import static anabranch.conformance.reference.Arithmetic.project;

import anabranch.backend.Event;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntUnaryOperator;

/** An embedding with its weights. */
final class EmbeddingPart {
  private final Input input;
  private final Embedding embedding;
  private final double[][] tokens;
  private final double[][] features;
  private final double[] featuresBias;
  private final double[][] positions;
  private final List<double[][]> ngrams = new ArrayList<>();
  private final double[][] ngramsProjection;
  private final NormPart norm;

  EmbeddingPart(ModelSpec spec, Parameters parameters) {
    input = spec.input();
    embedding = spec.embedding();
    boolean ids = input instanceof Input.Tokens;
    tokens = ids ? parameters.matrix("embedding.tokens") : new double[0][];
    features = ids ? new double[0][] : parameters.matrix("embedding.features.weight");
    featuresBias = ids ? new double[0] : parameters.vector("embedding.features.bias");
    positions =
        embedding.learnedPositions() ? parameters.matrix("embedding.positions") : new double[0][];
    Embedding.Ngrams hashed = embedding.ngrams();
    if (hashed != null) {
      for (int order : hashed.orders()) {
        ngrams.add(parameters.matrix("embedding.ngrams." + order));
      }
    }
    ngramsProjection =
        hashed == null ? new double[0][] : parameters.matrix("embedding.ngrams.projection");
    norm = new NormPart(embedding.norm(), "embedding.norm", parameters);
  }

  /**
   * Returns the hidden vector of one row, {@code [width]}.
   *
   * @param event the event that brought it
   * @param position its position in the sequence
   * @param earlier the token id at an earlier position of the sequence, for n-grams
   */
  double[] of(Event event, int position, IntUnaryOperator earlier) {
    double[] x;
    if (input instanceof Input.Tokens) {
      int token = event.token(position);
      if (token < 0 || token >= tokens.length) {
        throw new IllegalArgumentException(
            "token " + token + " is not in 0.." + (tokens.length - 1));
      }
      x = tokens[token];
    } else {
      FloatBuffer values = event.features(position);
      double[] row = new double[features[0].length];
      for (int i = 0; i < row.length; i++) {
        row[i] = values.get();
      }
      x = project(features, featuresBias, row);
    }
    if (embedding.learnedPositions()) {
      x = plus(x, positions[position]);
    }
    Embedding.Ngrams hashed = embedding.ngrams();
    if (hashed != null) {
      x = plus(x, project(ngramsProjection, null, ngramRows(hashed, position, earlier)));
    }
    return norm.of(x);
  }

  /** Returns the sum of the rows of all orders, {@code [inner]}. */
  private double[] ngramRows(Embedding.Ngrams hashed, int position, IntUnaryOperator tokenAt) {
    double[] sum = new double[hashed.inner()];
    for (int table = 0; table < ngrams.size(); table++) {
      int key = 0;
      int power = 1;
      for (int back = 0; back < hashed.orders().get(table); back++) {
        int at = position - back;
        key += power * (at < 0 ? hashed.begin() : tokenAt.applyAsInt(at));
        power *= tokens.length;
      }
      sum = plus(sum, ngrams.get(table)[bucket(key, hashed.buckets())]);
    }
    return sum;
  }

  /** Returns the row of a key in a table with a power of two of rows. */
  static int bucket(int key, int buckets) {
    return (key * Embedding.Ngrams.MULTIPLIER) >>> (32 - Integer.numberOfTrailingZeros(buckets));
  }
}
