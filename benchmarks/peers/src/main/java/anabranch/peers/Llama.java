package anabranch.peers;

import de.kherud.llama.InferenceParameters;
import de.kherud.llama.LlamaModel;
import de.kherud.llama.LlamaOutput;
import de.kherud.llama.ModelParameters;
import de.kherud.llama.args.CacheType;
import de.kherud.llama.args.PoolingType;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * llama.cpp through its JNI binding, on one thread, with keys and values in fp32. The argument is a
 * file of the model; a text is the code points of its letters, with commas.
 *
 * <p>{@code vector TEXT} answers the vector of the last letter behind the last norm, scaled to
 * length 1. {@code run TEXT COUNT} goes on with that many of the likeliest letters and answers
 * them, then the nanoseconds until the first one was there and those for all others: that passed,
 * that processors spent, for each.
 */
public final class Llama {
  private static final int ROWS = 1024;
  private static final int BATCH = 512;

  private Llama() {}

  /** Answers lines. */
  public static void main(String[] args) {
    Talk.run(
        () -> {
          LlamaModel model = new LlamaModel(parameters(args[0]));
          return words ->
              words[0].equals("vector")
                  ? vector(args[0], text(words[1]))
                  : run(model, text(words[1]), Integer.parseInt(words[2]));
        });
  }

  private static ModelParameters parameters(String file) {
    return new ModelParameters()
        .setModel(file)
        .setThreads(1)
        .setThreadsBatch(1)
        .setCtxSize(ROWS)
        .setBatchSize(BATCH)
        .setUbatchSize(BATCH)
        .setParallel(1)
        .setCacheTypeK(CacheType.F32)
        .setCacheTypeV(CacheType.F32)
        .disableLog();
  }

  private static String text(String codes) {
    int[] all = Arrays.stream(codes.split(",")).mapToInt(Integer::parseInt).toArray();
    return new String(all, 0, all.length);
  }

  private static String vector(String file, String text) {
    ModelParameters parameters =
        parameters(file).enableEmbedding().setPoolingType(PoolingType.LAST);
    try (LlamaModel model = new LlamaModel(parameters)) {
      float[] vector = model.embed(text);
      return IntStream.range(0, vector.length)
          .mapToObj(i -> Float.toString(vector[i]))
          .collect(Collectors.joining(","));
    }
  }

  private static String run(LlamaModel model, String text, int count) {
    InferenceParameters parameters =
        new InferenceParameters(text)
            .setNPredict(count)
            .setTemperature(0)
            .setCachePrompt(false)
            .setIgnoreEos(true);
    StringBuilder said = new StringBuilder();
    long busy = Processors.busy();
    long start = System.nanoTime();
    long[] first = new long[2];
    for (LlamaOutput output : model.generate(parameters)) {
      if (said.isEmpty() && !output.text.isEmpty()) {
        first[0] = System.nanoTime() - start;
        first[1] = Processors.busy() - busy;
      }
      said.append(output.text);
    }
    long all = System.nanoTime() - start;
    long allBusy = Processors.busy() - busy;
    String codes = said.codePoints().mapToObj(Integer::toString).collect(Collectors.joining(","));
    return String.join(
        " ",
        codes,
        Long.toString(first[0]),
        Long.toString(first[1]),
        Long.toString(all - first[0]),
        Long.toString(allBusy - first[1]));
  }
}
