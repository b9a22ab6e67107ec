"""A form's answers made a lead, as the Rust SDK makes them. Guarantees the same names; knows no provider."""

from __future__ import annotations

import unittest

import _path  # noqa: F401

from hookyard import Field, Lead


class ALead(unittest.TestCase):
    """`Lead.from_fields`."""

    def test_the_names_of_every_provider_are_known(self) -> None:
        for names in (
            ["full_name", "first_name", "last_name", "email", "phone_number", "company_name"],
            ["FULL_NAME", "FIRST_NAME", "LAST_NAME", "EMAIL", "PHONE_NUMBER", "COMPANY_NAME"],
            ["Name", "First name", "Last name", "Email", "Phone number", "Company name"],
        ):
            lead = Lead.from_fields("1", zip(names, "fglepc", strict=True))
            found = (lead.full_name, lead.first_name, lead.last_name, lead.email, lead.phone_number, lead.company)
            self.assertEqual("".join(str(value) for value in found), "fglepc")
            self.assertEqual((lead.custom_fields, len(lead.raw_field_data)), ([], 6))

    def test_work_details_stand_in_and_are_kept(self) -> None:
        work = Lead.from_fields("1", [("work_email", "w@x"), ("WORK_PHONE", "1")])
        self.assertEqual((work.email, work.phone_number), ("w@x", "1"))
        self.assertEqual(work.custom_fields, [("work_email", "w@x"), ("WORK_PHONE", "1")])
        both = Lead.from_fields("1", [("work_email", "w@x"), ("email", "h@x")])
        self.assertEqual((both.email, both.custom_fields), ("h@x", [("work_email", "w@x")]))

    def test_several_values_and_unknown_names_are_custom_fields_and_blanks_are_nothing(self) -> None:
        answers = [("email", " "), ("email", " a@x "), ("email", "b@x"), ("wofür?", "x"), ("wofür?", "y"), ("e", "")]
        lead = Lead.from_fields("1", answers)
        self.assertEqual(lead.email, "a@x")
        self.assertEqual(lead.custom_fields, [("email", "b@x"), ("wofür?", "x"), ("wofür?", "y")])
        self.assertEqual((lead.raw_field_data[1], lead.custom("wofür?")), (Field("email", " a@x "), "x"))


if __name__ == "__main__":
    unittest.main()
