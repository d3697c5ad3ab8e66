package anabranch.flink;

import java.io.Serializable;
import org.apache.flink.util.OutputTag;

/** Where records go that cannot be answered, and as what. */
record Failures<IN, F>(OutputTag<F> tag, FailureFunction<IN, F> function) implements Serializable {}
