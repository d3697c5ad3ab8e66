package anabranch.onnx.state;

import anabranch.model.Embedding;
import anabranch.model.Encoder;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Point;
import anabranch.model.facts.StageSpec;
import anabranch.model.facts.Step;
import anabranch.model.facts.Visit;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.Chain;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Skip;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.DepthChoice;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.route.Source;
import anabranch.onnx.graph.CoreShape;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** What the sequences of a model keep, in the order of its steps. Immutable; any thread. */
public final class Layout {
  /** The member of things that belong to the body of a head. */
  public static final int BODY = -1;

  private final List<Entry> entries = new ArrayList<>();
  private final Map<Key, Entry> known = new HashMap<>();
  private final Map<Integer, Entry> choices = new HashMap<>();
  private final List<StageSpec> steps;
  private final ModelSpec spec;
  private final String type;
  private final boolean shares;
  private final boolean halves;
  private final int tokensBack;
  private final List<List<Reach>> reaches = new ArrayList<>();
  private @Nullable Entry attention;
  private volatile @Nullable String signature;

  /** By entry of rows, the window that its readers have; one of a row where nobody reads later. */
  private final Map<Entry, Attention.Window> windows = new IdentityHashMap<>();

  private Layout(ModelSpec spec, String type, boolean halves) {
    this.spec = spec;
    this.type = type;
    this.halves = halves;
    List<Step> all = Cut.of(spec).steps();
    steps = all.stream().map(Step::stage).toList();
    shares = all.stream().anyMatch(step -> shares(step.stage()));
    for (Step step : all) {
      StageSpec stage = step.stage();
      int member = 0;
      for (Visit visit : stage.visits()) {
        for (Visit.Member each : visit.blocks()) {
          add(step.index(), member++, each.path(), each.block().sublayers(), stage.encoder());
        }
      }
      point(step.index(), stage.point(), spec.width());
    }
    Embedding.Ngrams ngrams = spec.embedding().ngrams();
    tokensBack = ngrams == null ? 0 : Collections.max(ngrams.orders()) - 1;
    for (int slot = 0; slot < steps.size(); slot++) {
      reaches.add(new ArrayList<>());
    }
    windows.forEach(this::reach);
  }

  /**
   * Returns the layout of a model.
   *
   * @param type the number type it runs in: states of different types never mix
   * @param halves whether keys and values are kept in 16 bits, another type of state
   */
  public static Layout of(ModelSpec spec, String type, boolean halves) {
    return new Layout(spec, type, halves);
  }

  /** Returns whether keys and values are kept in 16 bits. */
  boolean halves() {
    return halves;
  }

  /** What something is kept for. */
  public enum Kind {
    /** Keys and values of all rows so far. */
    ROWS,
    /** Keys and values that nobody reads after the call. */
    CALL,
    /** Keys and values of the memory. */
    MEMORY,
    /** The numbers of a recurrence. */
    RECURRENCE,
    /** A decision that holds for ever. */
    DECISION,
    /** The vector of the memory that a choice of depth reads. */
    CHOICE
  }

  /**
   * Where something belongs.
   *
   * @param slot the step
   * @param member the number of the block's run in its stage; {@link #BODY} for heads
   * @param path of the operation's parameters
   */
  public record Key(int slot, int member, String path) {}

  /**
   * One thing that is kept.
   *
   * @param index its number
   * @param key where it belongs
   * @param kind what it is
   * @param width the length of its vectors; of keys
   * @param values the length of the values beside keys; 0 for none
   * @param before the attention that ran before it in the plan; null where it is the first, or none
   */
  public record Entry(
      int index, Key key, Kind kind, int width, int values, @Nullable Entry before) {}

  /**
   * How far back the rows of an attention are read that does not read all of them: through its
   * window, and by the attentions behind it at which rows show again what they showed here.
   *
   * @param slots the steps of those attentions
   */
  public record Reach(Entry entry, Attention.Window window, List<Integer> slots) {
    /** Returns the first position that is not read for ever. */
    int first() {
      return window.first();
    }

    /** Returns the position from which on rows may be read, by the last positions of all slots. */
    int until(int[] last) {
      int until = last[entry.key.slot] + 2 - window.rows();
      for (int slot : slots) {
        until = Math.min(until, last[slot] + 1);
      }
      return until;
    }
  }

  /** Returns those reaches that change when a slot publishes. */
  List<Reach> reaches(int slot) {
    return reaches.get(slot);
  }

  /** Returns how many token ids before an event are read. */
  int tokensBack() {
    return tokensBack;
  }

  private void reach(Entry entry, Attention.Window window) {
    List<Integer> slots = new ArrayList<>();
    for (Entry other : entries) {
      if (other.before == entry && shares(steps.get(other.key.slot))) {
        slots.add(other.key.slot);
      }
    }
    Reach reach = new Reach(entry, window, slots);
    Set<Integer> changing = new TreeSet<>(slots);
    changing.add(entry.key.slot);
    changing.forEach(slot -> reaches.get(slot).add(reach));
  }

  /** Returns the entry of an operation of a stage. */
  public Entry entry(int slot, int member, String path) {
    Entry entry = known.get(new Key(slot, member, path));
    if (entry == null) {
      throw new AssertionError(path + " keeps nothing in slot " + slot);
    }
    return entry;
  }

  /** Returns the vector that the choice of depth behind a slot reads; null where none does. */
  public @Nullable Entry choice(int slot) {
    return choices.get(slot);
  }

  /** Returns all entries, by index. */
  public List<Entry> entries() {
    return entries;
  }

  /** Returns how many slots there are. */
  public int slots() {
    return steps.size();
  }

  /**
   * Checks that a slot belongs to a stage.
   *
   * @throws IllegalArgumentException if it does not
   */
  public void check(int slot, StageSpec stage) {
    if (slot < 0 || slot >= steps.size() || steps.get(slot).index() != stage.index()) {
      throw new IllegalArgumentException("slot " + slot + " is no step of stage " + stage.index());
    }
  }

  /** Returns what images of these sequences are of. */
  public String signature() {
    String known = signature;
    if (known == null) {
      known = signature(spec, type, halves);
      signature = known;
    }
    return known;
  }

  private void point(int slot, Point point, int width) {
    Head head = point.head();
    if (head != null && head.body() != null) {
      add(slot, BODY, point.path(), head.body().sublayers(), false);
    }
    if (point instanceof Point.AtChoice at && at.choice().from() == DepthChoice.From.MEMORY) {
      choices.put(slot, add(new Key(slot, BODY, point.path()), Kind.CHOICE, width, 0, null));
    }
  }

  private void add(int slot, int member, String path, List<Sublayer> sublayers, boolean encoder) {
    for (Sublayer sublayer : sublayers) {
      add(slot, member, path + "." + sublayer.name(), sublayer.operation(), encoder);
    }
  }

  private void add(int slot, int member, String path, Operation operation, boolean encoder) {
    Key key = new Key(slot, member, path);
    if (operation instanceof Attention attends) {
      if (attends.mask() == Attention.Mask.MEMORY) {
        add(key, Kind.MEMORY, attends, null);
        return;
      }
      boolean rows = attends.mask() == Attention.Mask.CAUSAL || shares;
      Entry before =
          attention != null && steps.get(attention.key.slot).encoder() == encoder
              ? attention
              : null;
      attention = add(key, rows ? Kind.ROWS : Kind.CALL, attends, before);
      if (attends.window() != null) {
        windows.put(attention, attends.window());
      } else if (rows && attends.mask() == Attention.Mask.FULL) {
        windows.put(attention, new Attention.Window(1, 0));
      }
    } else if (operation.remembers() > 0) {
      add(key, Kind.RECURRENCE, operation.remembers(), 0, null);
    } else if (operation instanceof Skip skip) {
      if (skip.router().source() == Source.PROMPT_MEAN) {
        add(key, Kind.DECISION, 1, 0, null);
      }
      add(slot, member, skip.operationPath(path), skip.operation(), encoder);
    } else if (operation instanceof Mixture.Modulated modulated) {
      add(slot, member, modulated.operationPath(path), modulated.operation(), encoder);
    } else if (operation instanceof Chain.Merged merged) {
      add(slot, member, path, merged.chain(), encoder);
    } else if (operation instanceof Chain chain) {
      add(slot, member, path, chain.sublayers(), encoder);
    }
  }

  private Entry add(Key key, Kind kind, Attention attention, @Nullable Entry before) {
    CoreShape shape = CoreShape.of(attention);
    return add(key, kind, shape.keyWidth(), shape.valueWidth(), before);
  }

  private Entry add(Key key, Kind kind, int width, int values, @Nullable Entry before) {
    Entry entry = new Entry(entries.size(), key, kind, width, values, before);
    entries.add(entry);
    known.put(key, entry);
    return entry;
  }

  private static boolean shares(StageSpec stage) {
    return stage.frozen() == Bypass.FREEZE_SHARE_KV
        || stage.blocks().stream()
            .flatMap(block -> block.operations().stream())
            .anyMatch(o -> o instanceof Skip skip && skip.keys() == Bypass.FREEZE_SHARE_KV);
  }

  /** Equal exactly for equal descriptions, whatever other orders their plans know. */
  private static String signature(ModelSpec spec, String type, boolean halves) {
    Encoder encoder = spec.encoder();
    ModelSpec bare = spec.withPlan(bare(spec.plan()));
    if (encoder != null) {
      bare =
          bare.withEncoder(
              new Encoder(
                  encoder.input(), encoder.embedding(), bare(encoder.plan()), encoder.norm()));
    }
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest(bare.toString().getBytes(StandardCharsets.UTF_8));
      String hex = HexFormat.of().formatHex(digest, 0, 16);
      String kept = halves ? " keeping fp16" : "";
      return "onnx " + type + kept + " \"" + spec.name() + "\" " + hex;
    } catch (NoSuchAlgorithmException missing) {
      throw new AssertionError(missing);
    }
  }

  private static Plan bare(Plan plan) {
    return new Plan(plan.blocks(), plan.order(), Map.of(), null);
  }
}
