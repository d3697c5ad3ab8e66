package anabranch.model.facts;

import anabranch.model.Embedding;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Chain;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Skip;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Head;
import anabranch.model.route.Source;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * What one sequence keeps between calls, counted in fp32.
 *
 * @param entries one for each thing that is kept, in the order of the steps
 */
public record StateLayout(List<Entry> entries) {
  /** Copies the list. */
  public StateLayout {
    entries = List.copyOf(entries);
  }

  /** What is kept. */
  public enum Kind {
    /** Token ids, for n-grams. */
    TOKENS,
    /** Keys and values of the sequence's rows. */
    KEYS_AND_VALUES,
    /** Keys and values of the memory's rows. */
    MEMORY,
    /** The numbers of a recurrence. */
    RECURRENCE,
    /** A decision that was taken once. */
    DECISION
  }

  /**
   * One thing that is kept.
   *
   * @param slot the step it belongs to
   * @param path the operation it belongs to
   * @param kind what it is
   * @param bytesPerRow what each row of the sequence adds; of the memory for {@code MEMORY}
   * @param bytes what is kept whatever the rows
   * @param mostRows how many rows a later one may read at most; a backend keeps whole pages of them
   */
  public record Entry(
      int slot, String path, Kind kind, long bytesPerRow, long bytes, int mostRows) {
    /** Creates an entry of which all rows are kept. */
    public Entry(int slot, String path, Kind kind, long bytesPerRow, long bytes) {
      this(slot, path, kind, bytesPerRow, bytes, Integer.MAX_VALUE);
    }
  }

  /** Returns the layout of a model. */
  public static StateLayout of(ModelSpec spec) {
    List<Entry> entries = new ArrayList<>();
    for (Step step : Cut.of(spec).steps()) {
      StageSpec stage = step.stage();
      if (!stage.encoder() && stage.keepsState()) {
        Embedding.Ngrams ngrams = spec.embedding().ngrams();
        if (stage.embeds() && ngrams != null) {
          int back = Collections.max(ngrams.orders()) - 1;
          entries.add(new Entry(step.index(), "embedding.ngrams", Kind.TOKENS, 4, 0, back));
        }
        for (Visit visit : stage.visits()) {
          for (Visit.Member member : visit.blocks()) {
            collect(step.index(), member.path(), member.block(), entries);
          }
        }
        Head head = stage.point().head();
        if (head != null && head.body() != null) {
          collect(step.index(), stage.point().path(), head.body(), entries);
        }
      }
    }
    return new StateLayout(entries);
  }

  /**
   * Returns the bytes of a sequence of that many rows, whose memory has that many: of those rows
   * alone that a later one may read.
   */
  public long bytes(int rows, int memoryRows) {
    long sum = 0;
    for (Entry entry : entries) {
      int count = Math.min(entry.mostRows, entry.kind() == Kind.MEMORY ? memoryRows : rows);
      sum =
          Math.addExact(
              sum, Math.addExact(entry.bytes, Math.multiplyExact(entry.bytesPerRow, count)));
    }
    return sum;
  }

  private static void collect(int slot, String path, Block block, List<Entry> into) {
    for (Sublayer sublayer : block.sublayers()) {
      collect(slot, path + "." + sublayer.name(), sublayer.operation(), into);
    }
  }

  private static void collect(int slot, String path, Operation operation, List<Entry> into) {
    if (operation instanceof Attention attention) {
      Kind kind = attention.mask() == Attention.Mask.MEMORY ? Kind.MEMORY : Kind.KEYS_AND_VALUES;
      Attention.Window window = attention.window();
      int most = window == null ? Integer.MAX_VALUE : window.most();
      into.add(new Entry(slot, path, kind, 4L * attention.kept(), 0, most));
    } else if (operation.remembers() > 0) {
      into.add(new Entry(slot, path, Kind.RECURRENCE, 0, 4L * operation.remembers()));
    } else if (operation instanceof Skip skip) {
      if (skip.router().source() == Source.PROMPT_MEAN) {
        into.add(new Entry(slot, path, Kind.DECISION, 0, 4));
      }
      collect(slot, skip.operationPath(path), skip.operation(), into);
    } else if (operation instanceof Mixture.Modulated modulated) {
      collect(slot, modulated.operationPath(path), modulated.operation(), into);
    } else if (operation instanceof Chain.Merged merged) {
      collect(slot, path, merged.chain(), into);
    } else if (operation instanceof Chain chain) {
      chain.sublayers().forEach(s -> collect(slot, path + "." + s.name(), s.operation(), into));
    }
  }
}
