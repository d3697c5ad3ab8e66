package anabranch.flink.keyed.state;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.runtime.state.KeyedStateBackend;

/** Flink's state of one key, which tells what it was asked. */
public final class AskedState {
  /** What was asked of headers and pages, in order. */
  public final List<String> calls = new ArrayList<>();

  final Map<Integer, byte[]> pages = new TreeMap<>();

  private interface Calls {
    Object take(String name, Object[] arguments);
  }

  /** Returns a store in front of it. */
  @SuppressWarnings("unchecked")
  public SequenceStore store() throws Exception {
    MapState<Integer, byte[]> map = proxy(MapState.class, this::askPages);
    ValueState<SequenceHeader> value =
        proxy(
            ValueState.class,
            (name, arguments) -> {
              calls.add(name + " header");
              return null;
            });
    return new SequenceStore(
        proxy(
            KeyedStateBackend.class,
            (name, arguments) ->
                name.equals("setCurrentKey")
                    ? null
                    : arguments[2] instanceof MapStateDescriptor ? map : value));
  }

  @SuppressWarnings("unchecked")
  private Object askPages(String name, Object[] arguments) {
    calls.add(name + " pages");
    switch (name) {
      case "putAll" -> pages.putAll((Map<Integer, byte[]>) arguments[0]);
      case "clear" -> pages.clear();
      default -> throw new AssertionError(name);
    }
    return null;
  }

  @SuppressWarnings("unchecked")
  private static <T> T proxy(Class<?> type, Calls calls) {
    return (T)
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) -> calls.take(method.getName(), arguments));
  }
}
