package anabranch.engine.bank;

import anabranch.engine.Engine;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.error.Bounds;
import anabranch.routing.Routing;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Answers items with some of several whole models, which it owns: a signal picks them, each is
 * opened when it is first picked, and the answer is the weighted sum of their logits (rules Q16 to
 * Q19). Calls that change an item can be made before, where signals of their own say so.
 *
 * <p>Thread-safe. At most as many items as allowed are accepted and not answered; who brings one
 * more waits, unless the thread runs for the bank: a future completes on a thread of whoever was
 * last, and whoever continues there should be quick. Threads of the members' engines must not bring
 * items otherwise. Cancelling a future, or completing it in any other way, cancels what still runs
 * for it, but not the opening of a member. A failure is an {@link
 * anabranch.error.ExecutionException} that names the signal, branch or member.
 *
 * <p>{@link #close} refuses further items, answers those accepted, and closes signals and members
 * that were opened; closing twice is harmless, asking a closed bank throws {@link
 * IllegalStateException}.
 *
 * <p>Deliberately small: members are asked at once and not again, one that could not be opened
 * stays so, and no two items are asked about together.
 */
public final class Bank implements AutoCloseable {
  private static final String SIGNAL = "signal of the bank";

  private final List<Branch> branches;
  private final Map<String, Member> members;
  private final List<String> names;
  private final Signal signal;
  private final Routing routing;
  private final Duration closeWithin;
  private final Door door;
  private final CompletableFuture<Void> empty = new CompletableFuture<>();
  private final AtomicBoolean finishing = new AtomicBoolean();
  private final CompletableFuture<Void> gone = new CompletableFuture<>();

  private Bank(Builder builder, Signal signal, Picking picking) {
    branches = List.copyOf(builder.branches);
    members = new LinkedHashMap<>();
    builder.members.forEach((name, open) -> members.put(name, new Member(name, open)));
    names = List.copyOf(members.keySet());
    this.signal = signal;
    routing = picking.among(names.size());
    closeWithin = builder.closeWithin;
    door = new Door(builder.items);
  }

  /** Returns what a bank is put together with. */
  public static Builder builder() {
    return new Builder();
  }

  /** Returns the names of the members, in the order of the signal's logits. */
  public List<String> members() {
    return names;
  }

  /** Accepts an item: branches first, then the signal, then the members that were picked. */
  public CompletableFuture<Answer> answer(Item item) {
    return begin(item, course -> branch(course, item, new ArrayList<>()));
  }

  /**
   * Accepts an item whose members are chosen already: nobody is asked, and no branch is called.
   *
   * @param choice of this bank or of another with such members; at least one
   * @throws anabranch.error.DescriptionException if it names no member, or one that does not exist
   */
  public CompletableFuture<Answer> answer(Item item, Choice choice) {
    Bounds.require(!choice.shares().isEmpty(), "choice.shares is empty");
    choice.shares().forEach(share -> member(share.member()));
    return begin(item, course -> run(course, item, List.of(), choice));
  }

  /**
   * Asks the signal who should answer an item, and neither opens nor asks a member: for callers
   * that let one model write until they ask again. No branch is called.
   */
  public CompletableFuture<Choice> pick(Item item) {
    return begin(item, course -> choose(course, item, course::complete));
  }

  /**
   * Returns the engine of a member, opening it if nobody did: for its sequences, policy and
   * version. It is closed with the bank, and not by the caller; the future of a closed bank fails.
   *
   * @throws anabranch.error.DescriptionException if there is no such member
   */
  public CompletableFuture<Engine> engine(String member) {
    return member(member).engine();
  }

  private Member member(String name) {
    Member member = members.get(name);
    Bounds.require(member != null, "member \"" + name + "\" is none of " + names);
    return member;
  }

  private <T> CompletableFuture<T> begin(Item item, Consumer<Course<T>> first) {
    Course<T> course = new Course<>(door, () -> empty.complete(null), item.id());
    door.enter(course);
    door.run(() -> first.accept(course));
    return course;
  }

  private void branch(Course<Answer> course, Item item, List<Branch.Outcome> done) {
    if (done.size() == branches.size()) {
      choose(course, item, choice -> run(course, item, done, choice));
      return;
    }
    Branch branch = branches.get(done.size());
    String what = "branch \"" + branch.name() + "\"";
    course.follow(
        "signal of " + what,
        () -> branch.signal().ask(item),
        vote -> {
          Branch.Outcome outcome = branch.decide(vote);
          done.add(outcome);
          if (outcome.called()) {
            course.follow(
                what, () -> branch.call().apply(item), changed -> branch(course, changed, done));
          } else {
            branch(course, item, done);
          }
        });
  }

  private void choose(Course<?> course, Item item, Consumer<Choice> next) {
    course.follow(
        SIGNAL, () -> signal.ask(item), vote -> next.accept(Picking.choose(routing, names, vote)));
  }

  private void run(Course<Answer> course, Item item, List<Branch.Outcome> done, Choice choice) {
    int count = choice.shares().size();
    if (count == 0) {
      course.fail(SIGNAL, new IllegalStateException("it picked none of " + names));
      return;
    }
    AtomicReferenceArray<Inference> said = new AtomicReferenceArray<>(count);
    AtomicInteger missing = new AtomicInteger(count);
    for (int i = 0; i < count; i++) {
      int place = i;
      Member member = member(choice.shares().get(i).member());
      String what = "member \"" + member.name() + "\"";
      course.follow(
          what,
          member::engine,
          engine ->
              course.follow(
                  what,
                  () -> engine.submit(item),
                  inference -> {
                    said.set(place, inference);
                    if (missing.decrementAndGet() == 0) {
                      List<Inference> all = new ArrayList<>();
                      for (int n = 0; n < count; n++) {
                        all.add(said.get(n));
                      }
                      course.complete(new Answer(item, done, choice, all));
                    }
                  }));
    }
  }

  /**
   * Refuses further items, answers those accepted for as long as {@link Builder#closeWithin} says,
   * fails the others, and closes what the bank owns. Returns when that is done, or at once on a
   * thread that runs for the bank.
   */
  @Override
  public void close() {
    if (door.close()) {
      empty.complete(null);
    }
    if (door.runsInside()) {
      empty.thenRun(this::finish);
      return;
    }
    boolean interrupted = false;
    long end = System.nanoTime() + closeWithin.toNanos();
    boolean over = false;
    while (!over) {
      try {
        empty.get(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS);
        over = true;
      } catch (InterruptedException stop) {
        interrupted = true;
      } catch (TimeoutException | ExecutionException late) {
        IllegalStateException reason =
            new IllegalStateException("the bank was closed and had " + closeWithin + " to answer");
        door.open().forEach(course -> course.completeExceptionally(reason));
        over = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    finish();
    try {
      gone.join();
    } catch (CompletionException failed) {
      throw new IllegalStateException(
          "something of the bank could not be closed", failed.getCause());
    }
  }

  /** Nothing is open any more, and nothing will be: closes all, whatever fails, and only once. */
  private void finish() {
    if (!finishing.compareAndSet(false, true)) {
      return;
    }
    List<Runnable> owned = new ArrayList<>();
    branches.forEach(branch -> owned.add(branch.signal()::close));
    owned.add(signal::close);
    members.values().forEach(member -> owned.add(member::close));
    List<Throwable> failures = new ArrayList<>();
    for (Runnable close : owned) {
      try {
        close.run();
      } catch (RuntimeException | Error failure) {
        failures.add(failure);
      }
    }
    if (failures.isEmpty()) {
      gone.complete(null);
    } else {
      failures.stream().skip(1).forEach(failures.get(0)::addSuppressed);
      gone.completeExceptionally(failures.get(0));
    }
  }

  /** What a bank is put together with. Confined to one thread. */
  public static final class Builder {
    private final List<Branch> branches = new ArrayList<>();
    private final Map<String, Supplier<Engine>> members = new LinkedHashMap<>();
    private @Nullable Signal signal;
    private @Nullable Picking picking;
    private int items = 1024;
    private Duration closeWithin = Duration.ofMinutes(1);

    private Builder() {}

    /** Adds a branch: it reads an item as those before it left it. */
    public Builder branch(Branch branch) {
      branches.add(branch);
      return this;
    }

    /**
     * Adds a member: its place is that of its logit.
     *
     * @param name other than those of the others
     * @param open called at most once, on a thread of its own, when the member is first picked; the
     *     engine is closed with the bank
     */
    public Builder member(String name, Supplier<Engine> open) {
      Bounds.name("member.name", name);
      Bounds.require(!members.containsKey(name), "member.name \"" + name + "\" is used twice");
      members.put(name, open);
      return this;
    }

    /**
     * Says who picks members; a bank of one member needs nobody.
     *
     * @param voting closed with the bank
     */
    public Builder gate(Signal voting, Picking how) {
      signal = voting;
      picking = how;
      return this;
    }

    /** Says how many items may be accepted and not answered: at least 1, usually 1024. */
    public Builder items(int count) {
      items = Bounds.atLeast("bank.items", count, 1);
      return this;
    }

    /** Says how long {@link Bank#close} goes on answering: from 0 to 1 day, usually a minute. */
    public Builder closeWithin(Duration time) {
      closeWithin = Bounds.within("bank.closeWithin", time, Duration.ZERO, Duration.ofDays(1));
      return this;
    }

    /**
     * Returns the bank.
     *
     * @throws anabranch.error.DescriptionException if there is no member, if nobody picks among
     *     several, or if a signal has more or fewer logits than it has members to pick
     */
    public Bank build() {
      Bounds.atLeast("bank.members", members.size(), 1);
      Bounds.distinct("branch.name", branches.stream().map(Branch::name).toList());
      for (Branch branch : branches) {
        fits(branch.signal(), 1);
      }
      if (signal == null || picking == null) {
        Bounds.require(members.size() == 1, "bank.gate is missing for " + members.keySet());
        return new Bank(this, Signal.always(0), Picking.top(1));
      }
      fits(signal, members.size());
      return new Bank(this, signal, picking);
    }

    private static void fits(Signal signal, int members) {
      if (signal instanceof ModelSignal model) {
        Bounds.require(
            model.logits() == members,
            "signal.logits " + model.logits() + " is not the number of members, " + members);
      }
    }
  }
}
