package anabranch.conformance.reference.part;

import static anabranch.conformance.reference.part.Arithmetic.plus;
import static anabranch.conformance.reference.part.Arithmetic.project;
import static anabranch.conformance.reference.part.Arithmetic.times;

import anabranch.backend.Event;
import anabranch.model.Embedding;
import anabranch.model.Input;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntUnaryOperator;

/** An embedding with its weights. */
public final class EmbeddingPart {
  private final Input input;
  private final Embedding embedding;
  private final double[][] tokens;
  private final double[][] features;
  private final double[] featuresBias;
  private final Map<String, double[][]> fields = new HashMap<>();
  private final double[][] positions;
  private final List<double[][]> ngrams = new ArrayList<>();
  private final double[][] ngramsProjection;
  private final NormPart norm;

  /** Reads the weights under {@code path}. */
  public EmbeddingPart(Input input, Embedding embedding, String path, Parameters parameters) {
    this.input = input;
    this.embedding = embedding;
    boolean ids = input instanceof Input.Tokens;
    boolean projects =
        input instanceof Input.Features
            || input instanceof Input.Records records && records.numeric() > 0;
    tokens = ids ? parameters.matrix(path + ".tokens") : new double[0][];
    features = projects ? parameters.matrix(path + ".features.weight") : new double[0][];
    featuresBias = ids ? new double[0] : parameters.vector(path + ".features.bias");
    if (input instanceof Input.Records records) {
      for (Input.Field field : records.fields()) {
        if (field instanceof Input.Field.Category) {
          fields.put(field.name(), parameters.matrix(path + ".fields." + field.name()));
        }
      }
    }
    positions =
        embedding.learnedPositions() ? parameters.matrix(path + ".positions") : new double[0][];
    Embedding.Ngrams hashed = embedding.ngrams();
    if (hashed != null) {
      for (int order : hashed.orders()) {
        ngrams.add(parameters.matrix(path + ".ngrams." + order));
      }
    }
    ngramsProjection =
        hashed == null ? new double[0][] : parameters.matrix(path + ".ngrams.projection");
    norm = new NormPart(embedding.norm(), path + ".norm", parameters);
  }

  /** Returns whether token ids of earlier rows are read. */
  public boolean readsEarlier() {
    return embedding.ngrams() != null;
  }

  /** Returns how many token ids before a row are read. */
  public int readsBack() {
    Embedding.Ngrams hashed = embedding.ngrams();
    return hashed == null ? 0 : Collections.max(hashed.orders()) - 1;
  }

  /**
   * Returns the hidden vector of one row, {@code [width]}.
   *
   * @param event the event that brought it
   * @param position its position in the sequence
   * @param earlier the token id at an earlier position of the sequence, for n-grams
   * @throws IllegalArgumentException if the model cannot read the row
   */
  public double[] of(Event event, int position, IntUnaryOperator earlier) {
    check(event, position);
    double[] x;
    if (input instanceof Input.Tokens) {
      x = tokens[event.token(position)];
    } else if (input instanceof Input.Records records) {
      x = record(records, event.features(position));
    } else {
      FloatBuffer values = event.features(position);
      double[] row = new double[input.numbers()];
      for (int i = 0; i < row.length; i++) {
        row[i] = values.get();
      }
      x = project(features, featuresBias, row);
    }
    if (embedding.multiplier() != null) {
      x = times(embedding.multiplier(), x);
    }
    if (embedding.learnedPositions()) {
      x = plus(x, positions[position]);
    }
    if (embedding.sinusoids() != null) {
      x = plus(x, waves(position + embedding.sinusoids().offset(), x.length));
    }
    Embedding.Ngrams hashed = embedding.ngrams();
    if (hashed != null) {
      x = plus(x, project(ngramsProjection, null, ngramRows(hashed, position, earlier)));
    }
    return norm.of(x);
  }

  /** Returns sines, then cosines, then a zero where the width is odd, {@code [width]}. */
  static double[] waves(int place, int width) {
    double[] waves = new double[width];
    int half = width / 2;
    for (int i = 0; i < half; i++) {
      double angle = place * Math.pow(Embedding.Sinusoids.BASE, -i / (half - 1.0));
      waves[i] = Math.sin(angle);
      waves[half + i] = Math.cos(angle);
    }
    return waves;
  }

  private void check(Event event, int position) {
    if (position < 0 || position >= input.maxLength()) {
      throw new IllegalArgumentException(
          "position " + position + " is not in 0.." + (input.maxLength() - 1));
    }
    boolean ids = input instanceof Input.Tokens;
    if (event.hasTokens() != ids || event.width() != input.numbers()) {
      throw new IllegalArgumentException(
          event + " of width " + event.width() + " is not what the model reads, " + input);
    }
    if (ids && (event.token(position) < 0 || event.token(position) >= tokens.length)) {
      throw new IllegalArgumentException(
          "token " + event.token(position) + " is not in 0.." + (tokens.length - 1));
    }
  }

  /** Returns the projection of the numbers plus the bias and a row for each category. */
  private double[] record(Input.Records records, FloatBuffer values) {
    double[] numbers = new double[records.numeric()];
    List<double[]> rows = new ArrayList<>();
    int next = 0;
    for (Input.Field field : records.fields()) {
      float value = values.get();
      if (field instanceof Input.Field.Category category) {
        rows.add(fields.get(field.name())[category.levelOf(value)]);
      } else {
        numbers[next++] = value;
      }
    }
    double[] x = next == 0 ? featuresBias : project(features, featuresBias, numbers);
    for (double[] row : rows) {
      x = plus(x, row);
    }
    return x;
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
