#!/usr/bin/env python3
"""zero_shot.py: how answers in words are judged. What it asks of a model is tried by hand; it takes a chat model."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "resources/bench"))
import zero_shot

SHEET = {"prompt": "sheet 2\n<in>1<:>64-71\n<in>2<:>$1*3\n", "answer": "-21",
         "response": "<out>1<:><attend><in>1<:></attend>64-71<local>-67-14717600=-7\n"
                     "<out>2<:><attend><in>2<:><out>1<:></attend>-7*3<local>*-7312=-21\n"}
NEWS = {"prompt": "news 2 2\n<in>1<:>Bell opened a bridge.\n<in>2<:>It cost 4 mln.\n", "answer": "Bell opens bridge\nA bridge cost 4 mln.",
        "response": "<out>1<:><global><attend><in>1<:></attend>Bell opens bridge\n<out>2<:><global><attend><in>2<:></attend>A bridge cost 4 mln.\n"}
GOOD = "<out>1<:><attend><in>1<:></attend>64-71<local>=-7\n<out>2<:><attend><in>2<:><out>1<:></attend>-7*3<local>=-21"


class ZeroShot(unittest.TestCase):
    def test_a_right_answer(self):
        self.assertEqual(zero_shot.without_work(SHEET["response"]), GOOD)
        for text in (GOOD, SHEET["response"], GOOD + "<|im_end|>\n"):
            self.assertEqual(zero_shot.judge("sheet", SHEET, text), {"format": True, "valid": True, "same": True, "right": True, "last": True})

    def test_what_is_wrong_is_told_apart(self):
        value = zero_shot.judge("sheet", SHEET, GOOD.replace("=-7\n", "=-8\n"))
        self.assertEqual((value["format"], value["valid"], value["right"], value["last"]), (True, True, False, True))
        nowhere = zero_shot.judge("sheet", SHEET, GOOD.replace("<in>2<:><out>1<:>", "<in>3<:>"))
        self.assertEqual((nowhere["format"], nowhere["valid"], nowhere["same"], nowhere["right"]), (True, False, False, True))
        later = zero_shot.judge("sheet", SHEET, GOOD.replace("<in>1<:></attend>64", "<out>2<:></attend>64"))
        self.assertFalse(later["valid"])
        chat = zero_shot.judge("sheet", SHEET, "Sure!\n" + GOOD)
        self.assertEqual((chat["format"], chat["valid"], chat["right"]), (False, True, True))
        words = zero_shot.judge("sheet", SHEET, "The result is -21")
        self.assertEqual((words["format"], words["valid"], words["right"], words["last"]), (False, False, False, True))
        self.assertFalse(any(zero_shot.judge("sheet", SHEET, "").values()))

    def test_news(self):
        same = zero_shot.judge("news", NEWS, zero_shot.without_work(NEWS["response"]))
        self.assertEqual(same, {"format": True, "valid": True, "same": True, "headline": 1.0, "points": 1.0})
        half = zero_shot.judge("news", NEWS, "<out>1<:><attend><in>1<:></attend>Bell opens the house")
        self.assertEqual((half["format"], half["valid"], half["points"]), (False, True, 0.0))
        self.assertAlmostEqual(half["headline"], 2 * 2 / (3 + 4))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
