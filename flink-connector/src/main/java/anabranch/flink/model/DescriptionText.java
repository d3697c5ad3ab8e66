package anabranch.flink.model;

import anabranch.model.ModelSpec;
import java.io.*;
import java.lang.reflect.*;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** Interim. */
final class DescriptionText {
  private DescriptionText() {}

  static String write(ModelSpec spec) {
    try {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      ObjectOutputStream out = new ObjectOutputStream(bytes);
      write(spec, out);
      out.flush();
      return Base64.getEncoder().encodeToString(bytes.toByteArray());
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  static ModelSpec read(String text) {
    try {
      return (ModelSpec)
          read(new ObjectInputStream(new ByteArrayInputStream(Base64.getDecoder().decode(text))));
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static void write(Object value, ObjectOutputStream out) throws Exception {
    if (value instanceof Record) {
      out.writeObject("R");
      out.writeObject(value.getClass());
      for (RecordComponent c : value.getClass().getRecordComponents()) {
        write(c.getAccessor().invoke(value), out);
      }
    } else if (value instanceof List<?> list) {
      out.writeObject("L");
      out.writeObject(list.size());
      for (Object o : list) {
        write(o, out);
      }
    } else {
      out.writeObject("V");
      out.writeObject(value);
    }
  }

  private static Object read(ObjectInputStream in) throws Exception {
    String kind = (String) in.readObject();
    if (kind.equals("R")) {
      Class<?> type = (Class<?>) in.readObject();
      RecordComponent[] cs = type.getRecordComponents();
      Class<?>[] types = new Class<?>[cs.length];
      Object[] values = new Object[cs.length];
      for (int i = 0; i < cs.length; i++) {
        types[i] = cs[i].getType();
        values[i] = read(in);
      }
      return type.getDeclaredConstructor(types).newInstance(values);
    }
    if (kind.equals("L")) {
      int n = (Integer) in.readObject();
      List<Object> list = new ArrayList<>();
      for (int i = 0; i < n; i++) {
        list.add(read(in));
      }
      return list;
    }
    return in.readObject();
  }
}
