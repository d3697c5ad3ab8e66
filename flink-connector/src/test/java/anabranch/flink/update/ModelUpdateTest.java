package anabranch.flink.update;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import anabranch.engine.Policy;
import anabranch.error.DescriptionException;
import java.util.HexFormat;
import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.Test;

class ModelUpdateTest {
  private static final Policy LOW = Policy.named("low").with("b", 0.25).with("a", 0.5);

  @Test
  void updatesComeBackAsTheyWere() throws Exception {
    ModelUpdateSerializer serializer = ModelUpdateSerializer.INSTANCE;
    for (ModelUpdate update :
        List.of(
            ModelUpdate.model("v2"),
            ModelUpdate.policy(LOW),
            ModelUpdate.model("v-3").withPolicy(Policy.fullDepth()))) {
      DataOutputSerializer out = new DataOutputSerializer(16);
      serializer.serialize(update, out);
      byte[] bytes = out.getCopyOfBuffer();
      assertEquals(update, serializer.deserialize(new DataInputDeserializer(bytes)));
      DataOutputSerializer copy = new DataOutputSerializer(16);
      serializer.copy(new DataInputDeserializer(bytes), copy);
      assertArrayEquals(bytes, copy.getCopyOfBuffer());
    }
  }

  /** These bytes were written by the first version and are never written anew. */
  @Test
  void theFirstFormatIsReadForEver() throws Exception {
    byte[] bytes =
        HexFormat.of()
            .parseHex(
                "03"
                    + "00027632"
                    + "00036c6f77"
                    + "00000002"
                    + "000161"
                    + "3fe0000000000000"
                    + "000162"
                    + "3fd0000000000000");
    ModelUpdate update = ModelUpdate.model("v2").withPolicy(LOW);
    assertEquals(
        update, ModelUpdateSerializer.INSTANCE.deserialize(new DataInputDeserializer(bytes)));
    DataOutputSerializer out = new DataOutputSerializer(16);
    ModelUpdateSerializer.INSTANCE.serialize(update, out);
    assertArrayEquals(bytes, out.getCopyOfBuffer());
  }

  @Test
  void aStreamOfUpdatesNeedsNoGeneralSerializer() {
    assertEquals(new ModelUpdateTypeInfo(), TypeInformation.of(ModelUpdate.class));
  }

  @Test
  void whatComesLaterKeepsWhatItDoesNotSay() {
    ModelUpdate both = ModelUpdate.model("v2").withPolicy(LOW);
    Policy high = Policy.named("high");
    assertEquals(ModelUpdate.model("v2").withPolicy(high), both.then(ModelUpdate.policy(high)));
    assertEquals(ModelUpdate.model("v3"), both.then(ModelUpdate.model("v3")));
    assertEquals(ModelUpdate.policy(high), ModelUpdate.policy(LOW).then(ModelUpdate.policy(high)));
  }

  @Test
  void anUpdateSaysSomething() {
    DescriptionException refused =
        assertThrows(DescriptionException.class, () -> new ModelUpdate(null, null));
    assertEquals("update.version and update.policy are both missing", refused.getMessage());
  }
}
