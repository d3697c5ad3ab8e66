package anabranch.samples.alarm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KindTest {
  @ParameterizedTest
  @CsvSource({
    "src/Orders.java, java",
    "../pom.xml, xml",
    "a.b/README.MD, md",
    "service.2026-03-11.log, log",
    "C:\\\\text\\\\a.KT, kt",
    "a.b/Makefile, no ending",
    "text/.hidden, no ending",
    "odd., no ending",
    "-, -"
  })
  void itIsTheEndingOfTheFileName(String source, String kind) {
    assertEquals(kind, Kind.of(source));
  }
}
