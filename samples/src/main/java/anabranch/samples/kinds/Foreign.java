package anabranch.samples.kinds;

import java.util.List;

/** Lines in languages that no kind of the tables is written in. Stateless. */
final class Foreign {
  /** The lines, each of another program. */
  static final List<String> LINES =
      List.of(
          "def total(orders, since=None): return sum(o.cents for o in orders if o.placed > since)",
          "with open(path, 'rb') as f: header = struct.unpack('<4sHH', f.read(8))",
          "SELECT o.id, SUM(o.cents) FROM orders o JOIN shops s ON s.id = o.shop GROUP BY 1;",
          "ALTER TABLE orders ADD COLUMN placed TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now();",
          "if [ -z \"$JAVA_HOME\" ]; then export JAVA_HOME=\"$(dirname $(readlink -f $0))\"; fi",
          "find . -name '*.o' -print0 | xargs -0 rm -f && make -j8 CFLAGS=-O2 install",
          "#define CONTAINER_OF(p, t, m) ((t *)((char *)(p) - offsetof(t, m)))",
          "static inline uint32_t rotl(const uint32_t x, int k) { return (x << k) | (x >> (32-k)); }",
          "fn parse(input: &str) -> Result<Vec<u8>, Box<dyn Error>> { Ok(hex::decode(input)?) }",
          "impl<'a, T: Clone> Iterator for Windows<'a, T> { type Item = &'a [T]; }",
          "func (s *Server) Serve(l net.Listener) error { defer l.Close(); go s.accept(l) }",
          "my %seen = map { $_ => 1 } grep { /^\\d+\\s*$/ && !$h{$_}++ } @ARGV;",
          "(defun flatten (xs) (if (atom xs) (list xs) (mapcan #'flatten xs)))",
          "let rec fold f acc = function [] -> acc | x :: xs -> fold f (f acc x) xs",
          "quicksort (p:xs) = quicksort [x | x <- xs, x < p] ++ [p] ++ quicksort [x | x <- xs, x >= p]",
          "append([H|T], L, [H|R]) :- append(T, L, R), !.",
          "PERFORM VARYING WS-IDX FROM 1 BY 1 UNTIL WS-IDX > WS-MAX-ROWS",
          "mov eax, dword ptr [ebp-0x14]; xor ecx, ecx; jnz short loc_4012F3",
          ".btn-primary:hover { background-color: #0b5ed7; margin: 0 auto 1.25rem; }",
          "      CALL DGEMM('N','T',M,N,K,1.0D0,A,LDA,B,LDB,0.0D0,C,LDC)",
          "procedure Swap (A, B : in out Integer) is T : constant Integer := A; begin A := B; end;",
          "/Helvetica findfont 12 scalefont setfont 72 720 moveto (Total) show showpage",
          "awk -F: '$3 >= 1000 { n[$7]++ } END { for (s in n) print n[s], s }' /etc/passwd",
          "proc lshift {listVar} { upvar 1 $listVar l; set r [lindex $l 0]; return $r }",
          "x <- tapply(df$cents, df$shop, FUN = function(v) quantile(v, 0.99, na.rm = TRUE))",
          "always @(posedge clk or negedge rst_n) if (!rst_n) q <= 8'h00; else q <= d;",
          "life \u2190 {\u2283 1 \u2375 \u2228.\u2227 3 4 = +/ +\u2333 1 0 \u00af1 \u2218.\u2296 1 0 \u00af1 \u233d\u00a8 \u2282\u2375}",
          "BEGIN:VCARD;VERSION:3.0;N:Doe;TEL;TYPE=WORK,VOICE:+1-555-0100;END:VCARD",
          "\\begin{align} \\nabla \\cdot \\mathbf{E} &= \\frac{\\rho}{\\varepsilon_0} \\\\ \\end{align}",
          "++++++++[>++++[>++>+++>+++>+<<<<-]>+>+>->>+[<]<-]>>.>---.+++++++..+++.");

  private Foreign() {}
}
